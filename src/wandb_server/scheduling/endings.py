"""How runs end, and their sweep with them."""

from src.wandb_server.scheduling.benching import bench_if_failing
from src.wandb_server.scheduling.enough import target_reached, used_up
from src.wandb_server.scheduling.sweep_config import stored_spec
from src.wandb_server.states import RunState, SweepState
from src.wandb_server.store import Store
from src.wandb_server.store.runs import Run
from src.wandb_server.store.stamps import now
from src.wandb_server.store.sweeps import Sweep


def end_run(store: Store, run: Run, state: RunState, exitcode: int | None = None) -> None:
    """Record that a run has ended; the sweep may be finished with that.

    Without an exit code, which only the run itself can send, this is the server's own verdict:
    it does not touch a run that has ended meanwhile.
    """
    with store.transaction():
        current = store.runs.get(run.id)
        if current is None or (exitcode is None and not current.active):
            return
        if current.withdrawn or (state is RunState.CRASHED and current.should_stop):
            state = RunState.KILLED  # it was told to stop, and its program did not do it tidily
        elif state is RunState.CRASHED and current.state is RunState.PREEMPTING:
            state = RunState.PREEMPTED
        elif state is RunState.CRASHED and _keeps_a_log(store, current):
            state = RunState.FINISHED  # its client leaves it open
        store.runs.update(run.id, state=state, exitcode=exitcode, heartbeat_at=now())
        sweep = store.sweeps.get(run.sweep_id) if run.sweep_id is not None else None
        if sweep is None:
            return
        spec = stored_spec(sweep)
        if run.agent_id is not None and state in (RunState.FAILED, RunState.CRASHED):
            bench_if_failing(store, sweep, spec.metric_name, run.agent_id)
        if sweep.state is SweepState.RUNNING and (
            target_reached(store, sweep, spec) or used_up(store, sweep, spec)
        ):
            set_state(store, sweep, SweepState.FINISHED)


def _keeps_a_log(store: Store, run: Run) -> bool:
    """Whether a run is no training, but where the scheduler of a sweep's engine writes."""
    sweep = store.sweeps.find(run.project_id, run.name.removesuffix("-scheduler"))
    return sweep is not None and run.name == sweep.log_run_name


def stop_run(store: Store, run: Run) -> None:
    """Have a run stopped by its agent; one that is still queued is over at once."""
    if run.active:
        store.runs.update(run.id, should_stop=1)
    if run.queued:
        end_run(store, run, RunState.KILLED)


def set_state(store: Store, sweep: Sweep, state: SweepState) -> None:
    """Record how a sweep stands; nobody starts what is queued in one that is over."""
    store.sweeps.update(sweep.id, state=state)
    for run in store.runs.of_sweep(sweep.id) if state.over else []:
        if state is SweepState.CANCELED:
            stop_run(store, run)
        elif run.queued:
            end_run(store, run, RunState.KILLED)
