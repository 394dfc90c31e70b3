"""Which configurations of a sweep are to be tried again, and how much of ``run_cap`` is used.

Nothing is queued: both follow from the runs alone, so a crashed run that speaks again is simply
no longer waiting. If its configuration is being tried again by then, one of the two is withdrawn:
it counts for nothing from then on.
"""

from collections.abc import Collection, Iterator, Sequence

from src.wandb_server.states import RunState
from src.wandb_server.store.runs import Run

MAX_CRASHES = 2  # the first one and that of its retry


def to_resume(runs: Sequence[Run]) -> list[Run]:
    """The preempted runs of a sweep, oldest first: each goes on under its own name.

    Those that were there before it are not its program's.
    """
    return [
        run
        for run in runs
        if run.state is RunState.PREEMPTED
        and not (run.should_stop or run.prior)
        and run.params is not None
    ]


def to_retry(runs: Sequence[Run], spoiled: Collection[int] = ()) -> list[Run]:
    """The runs of a sweep whose configuration waits for another attempt, oldest first.

    A run that was killed by its user (Ctrl-C) is always tried again, a crashed one once; one that
    was told to stop never is.

    Args:
        runs: All runs of the sweep.
        spoiled: Ids of those that came to nothing on a benched agent. They count as crashed, but
            all attempts of one such agent at a configuration as a single crash.
    """
    by_id = {run.id: run for run in runs}
    retried = _retried(runs)
    return [
        run
        for run in runs
        if (run.state in (RunState.CRASHED, RunState.KILLED) or run.id in spoiled)
        and not run.should_stop
        and run.params is not None
        and run.id not in retried
        and _crashes(run, by_id, spoiled) < MAX_CRASHES
    ]


def _crashes(run: Run, by_id: dict[int, Run], spoiled: Collection[int]) -> int:
    """How often the run's configuration has crashed; a kill by the user does not count."""
    attempts = list(_attempts(run, by_id))
    failing_agents = {attempt.agent_id for attempt in attempts if attempt.id in spoiled}
    crashed = [a for a in attempts if a.state is RunState.CRASHED and a.id not in spoiled]
    return len(failing_agents) + len(crashed)


def _attempts(run: Run, by_id: dict[int, Run]) -> Iterator[Run]:
    attempt: Run | None = run
    while attempt is not None:
        yield attempt
        attempt = by_id.get(attempt.retry_of) if attempt.retry_of is not None else None


def _retried(runs: Sequence[Run]) -> set[int | None]:
    return {run.retry_of for run in runs if not run.withdrawn}


def used_of_cap(runs: Sequence[Run], spoiled: Collection[int] = (), *, retries: bool = True) -> int:
    """How many runs count towards ``run_cap``.

    All that agents were given, but those that gave way to another attempt, or wait for one or to
    be resumed.

    Args:
        runs: All runs of the sweep.
        spoiled: As for :func:`to_retry`.
        retries: Whether the sweep tries any again; one with an engine does not.
    """
    waiting = {run.id for run in to_resume(runs)}
    if retries:
        waiting |= {run.id for run in to_retry(runs, spoiled)}
    uncounted = waiting | _retried(runs) | {run.id for run in runs if run.withdrawn}
    return sum(run.agent_id is not None and run.id not in uncounted for run in runs)
