"""What the search knows of a sweep's runs."""

from collections.abc import Sequence

from src.sweep_language.grammar import SweepSpec
from src.wandb_server.metric import best_value, run_best
from src.wandb_server.scheduling.sweep_config import stored_spec
from src.wandb_server.search.searcher import Trial
from src.wandb_server.states import RunState
from src.wandb_server.store import Store
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep


def sweep_trials(store: Store, sweep: Sweep, spec: SweepSpec, runs: Sequence[Run]) -> list[Trial]:
    """The runs of a sweep that have a configuration of it, each with its best value so far.

    Of two attempts at the same configuration the withdrawn one says nothing.
    """
    histories = store.runs.metric_histories(sweep.id)
    trials = []
    for run in runs:
        if run.params is None or run.withdrawn:
            continue
        # A run may set its metric in the summary alone.
        best = run_best(histories.get(run.id, ()), run.summary, spec.metric_name, spec.goal)
        trials.append(Trial(run.params, _state(run), best))
    return trials


def sweep_best(store: Store, sweep: Sweep) -> float | None:
    """The best value of the sweep's metric over all its runs."""
    spec = stored_spec(sweep)
    trials = sweep_trials(store, sweep, spec, store.runs.of_sweep(sweep.id))
    return best_value([t.value for t in trials if t.value is not None], spec.goal)


def _state(run: Run) -> RunState:
    if run.active:
        return RunState.RUNNING
    return (
        RunState.FINISHED if run.state is RunState.FINISHED or run.should_stop else RunState.FAILED
    )
