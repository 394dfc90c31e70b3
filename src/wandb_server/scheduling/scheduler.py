"""What a sweep's agents are told: start this run, stop that one, exit."""

from typing import Any

from src.sweep_language.grammar import SweepSpec
from src.wandb_server.errors import NotFoundError, RequestError
from src.wandb_server.metric import finite_or_none
from src.wandb_server.scheduling.attempts import heard_again
from src.wandb_server.scheduling.benching import spoiled
from src.wandb_server.scheduling.commands import Command, Exit, Start, Stop
from src.wandb_server.scheduling.endings import end_run, set_state
from src.wandb_server.scheduling.enough import cap_reached, target_reached, used_up
from src.wandb_server.scheduling.liveness import Liveness
from src.wandb_server.scheduling.retries import to_resume, to_retry
from src.wandb_server.scheduling.sweep_config import UNREADABLE, stored_spec, sweep_spec
from src.wandb_server.scheduling.trials import sweep_trials
from src.wandb_server.search.early_termination import should_stop
from src.wandb_server.search.searcher import Searcher
from src.wandb_server.states import RunState, SweepState
from src.wandb_server.store import Store
from src.wandb_server.store.runs import Run
from src.wandb_server.store.stamps import new_name, now
from src.wandb_server.store.sweeps import Agent, Sweep

# How long a run may be missing from its agent's report, and silent, before it counts as crashed:
# the end of a run and its last upload reach the server on different ways.
REPORT_GRACE = 10.0
# A pending run is offered again when the reply with the first offer seems to have been lost. A
# program that fails before it calls wandb.init looks the same, so this must end.
MAX_OFFERS = 2


class Scheduler:
    """Decides for all sweeps of a store.

    What decides is called inside of the store's transaction, which one thread has at a time, so no
    two agents are given the same configuration. Only the server's own watch,
    :meth:`crash_silent_runs`, opens it itself.

    Args:
        store: The store.
        liveness: Who has been heard from.
    """

    def __init__(self, store: Store, liveness: Liveness) -> None:
        self._store = store
        self._liveness = liveness
        self._reported: set[int] = set()
        self._searchers: dict[int, tuple[str, Searcher]] = {}

    def heartbeat(self, agent_id: int, reported: set[str]) -> list[Command]:
        """Answer an agent.

        Args:
            agent_id: The agent.
            reported: Names of the runs that it still has.

        Returns:
            Commands. Agents inside of a process obey only the first one.

        Raises:
            NotFoundError: No such agent.
            RequestError: What the sweep searches is damaged.
        """
        agent = self._store.sweeps.agent(agent_id)
        if agent is None:
            raise NotFoundError("no such agent")
        self._liveness.agent_spoke(agent.id)
        if agent.heartbeat_at != (stamp := now()):  # once a second is enough to be synced to disk
            self._store.sweeps.update_agent(agent.id, heartbeat_at=stamp)
        sweep = self._store.sweeps.get(agent.sweep_id)
        assert sweep is not None
        own = self._store.runs.of_agent(agent.id)
        active = [run for run in own if run.active]
        if sweep.state is SweepState.CANCELED:
            for run in active:
                end_run(self._store, run, RunState.KILLED)
            return self._dismiss(agent)
        if reported:
            return self._watch([run for run in own if run.name in reported])
        for run in active:
            if (commands := self._missing_run(run, sweep)) is not None:
                return commands
        return self._free_agent(agent, sweep)

    def _watch(self, reported: list[Run]) -> list[Command]:
        """Look after the runs that an agent has; one that was taken for dead goes on."""
        commands: list[Command] = []
        for run in reported:
            self._reported.add(run.id)
            self._liveness.reported(run.id)
            if run.taken_for_dead:
                begun = self._store.runs.line_count(run.id, "history") > 0
                state = RunState.RUNNING if begun else RunState.PENDING
                self._store.runs.update(run.id, state=state)
                heard_again(self._store, run)
            current = self._store.runs.get(run.id)
            if current is not None and current.active and current.should_stop:
                self._note_told(current)
                commands.append(Stop(current))
        return commands

    def _note_told(self, run: Run) -> None:
        if not run.told_to_stop:
            self._store.runs.update(run.id, told_to_stop=1)

    def _missing_run(self, run: Run, sweep: Sweep) -> list[Command] | None:
        """Deal with an active run that its agent does not report; None when that is settled."""
        unseen = run.state is RunState.PENDING and run.id not in self._reported
        if unseen and run.should_stop:
            end_run(self._store, run, RunState.KILLED)
            return None
        if unseen and run.params is not None and run.offers < MAX_OFFERS:
            self._store.runs.update(run.id, offers=run.offers + 1)
            return [_start(run, sweep)]
        missing = self._liveness.unreported_for(run.id)
        if min(missing, self._liveness.run_silence(run.id)) < REPORT_GRACE:
            return []
        end_run(self._store, run, RunState.CRASHED)
        return None

    def _free_agent(self, agent: Agent, sweep: Sweep) -> list[Command]:
        current = self._store.sweeps.agent(agent.id)  # it may just have been benched
        if sweep.state is SweepState.FINISHED or (current and current.benched):
            return self._dismiss(agent)
        if sweep.state is SweepState.PAUSED:
            return []
        spec = stored_spec(sweep)
        if spec is UNREADABLE:
            raise RequestError(
                f"the configuration of sweep {sweep.name} is damaged, so it starts no runs: give "
                "it again with wandb sweep --update"
            )
        runs = self._store.runs.of_sweep(sweep.id)
        if target_reached(self._store, sweep, spec) or (
            spec.engine and used_up(self._store, sweep, spec)
        ):
            set_state(self._store, sweep, SweepState.FINISHED)
            return self._dismiss(agent)
        if waiting := to_resume(runs):
            return [self._hand_over(waiting[0], agent, sweep, resumed=True)]
        # What an engine has queued beyond the cap is not started; what others have is.
        full = cap_reached(self._store, sweep, spec, runs)
        for queued in (run for run in runs if run.queued and not (spec.engine and full)):
            if queued.params is not None:
                return [self._hand_over(queued, agent, sweep)]
            end_run(self._store, queued, RunState.CRASHED)  # what it was to try is damaged
        # An engine queues the runs that it wants.
        if not (full or spec.engine) and (run := self._next_run(agent, sweep, spec, runs)):
            return [_start(run, sweep)]
        if any(run.active for run in runs) or spec.engine:
            return []  # one of them may crash and be tried again, or the engine queues another
        set_state(self._store, sweep, SweepState.FINISHED)
        return self._dismiss(agent)

    def _dismiss(self, agent: Agent) -> list[Command]:
        self._store.sweeps.update_agent(agent.id, exited=1)
        return [Exit()]

    def _next_run(self, agent: Agent, sweep: Sweep, spec: SweepSpec, runs: list[Run]) -> Run | None:
        waiting = to_retry(runs, spoiled(self._store, sweep, spec.metric_name, runs))
        if waiting:
            params, retry_of = waiting[0].params, waiting[0].id
        else:
            searcher = self._searcher(sweep, spec)
            trials = sweep_trials(self._store, sweep, spec, runs)
            params, retry_of = searcher.suggest(trials), None
        if params is None:
            return None
        run = self._store.runs.create(
            sweep.project_id,
            new_name(),
            state=RunState.PENDING,
            params=params,
            config=_as_config(params),
            sweep_id=sweep.id,
            agent_id=agent.id,
            host=agent.host,
            offers=1,
            retry_of=retry_of,
        )
        self._liveness.run_spoke(run.id)
        return run

    def enqueue(self, sweep: Sweep, params: dict[str, Any], display_name: str | None) -> Run:
        """Add a run of a given configuration, which the next free agent starts."""
        return self._store.runs.create(
            sweep.project_id,
            new_name(),
            display_name=display_name,
            state=RunState.PENDING,
            params=params,
            config=_as_config(params),
            sweep_id=sweep.id,
        )

    def _hand_over(self, run: Run, agent: Agent, sweep: Sweep, resumed: bool = False) -> Start:
        """Give an agent a run that was queued, or was preempted on this or another agent."""
        self._reported.discard(run.id)
        self._liveness.reported(run.id)
        self._liveness.run_spoke(run.id)
        self._store.runs.update(
            run.id,
            state=RunState.PENDING,
            agent_id=agent.id,
            host=agent.host,
            offers=1,
            exitcode=None,
        )
        return _start(run, sweep, resumed)

    def _searcher(self, sweep: Sweep, spec: SweepSpec) -> Searcher:
        """The sweep's searcher, which knows the trials it has seen; anew if the sweep is edited."""
        config, searcher = self._searchers.get(sweep.id, (None, None))
        if searcher is None or config != sweep.config:
            searcher = Searcher(spec)
            self._searchers[sweep.id] = (sweep.config, searcher)
        return searcher

    def metric_logged(self, run: Run) -> None:
        """Decide about early termination after a run has logged its sweep's metric."""
        sweep = self._store.sweeps.get(run.sweep_id) if run.sweep_id is not None else None
        if sweep is None or run.should_stop or not run.active:
            return
        spec = stored_spec(sweep)
        if spec.early_terminate is None:
            return
        histories = self._store.runs.metric_histories(sweep.id)
        history = histories.pop(run.id, [])
        reason = should_stop(spec.early_terminate, spec.goal, history, list(histories.values()))
        if reason is not None:
            self._store.runs.update(
                run.id,
                should_stop=1,
                early_stop={
                    "bracket": reason.bracket,
                    "value": finite_or_none(reason.value),
                    "threshold": finite_or_none(reason.threshold),
                },
            )

    def crash_silent_runs(self) -> None:
        """Mark runs as crashed of which nothing has been heard for too long.

        This is the server's own watch, called again and again: a time without it does not count.
        """
        # Inside: while no transaction gets on, because the disk stalls, nobody is heard either.
        with self._store.transaction():
            self._liveness.clock.tick()
            for run in self._store.runs.active():
                waits = run.state is RunState.PENDING and run.agent_id is None
                if not waits and self._liveness.is_dead(run.id, run.agent_id):
                    end_run(self._store, run, RunState.CRASHED)

    def stopped(self, run: Run) -> bool:
        """Whether the run itself must be told to stop, having no agent that could stop it."""
        if not run.should_stop:
            return False
        return (
            run.agent_id is None
            or self._liveness.agent_silence(run.agent_id) > self._liveness.crash_after
        )

    def tell_run(self, run_id: int) -> bool:
        """Whether a run is told, with the reply to itself, to stop: not once it has ended."""
        run = self._store.runs.get(run_id)
        if run is None or run.exitcode is not None or not self.stopped(run):
            return False
        self._note_told(run)
        return True


def _start(run: Run, sweep: Sweep, resumed: bool = False) -> Start:
    return Start(run, sweep_spec(sweep.config).program, resumed)


def _as_config(params: dict[str, Any]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in params.items()}
