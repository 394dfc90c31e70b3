"""Which configurations of a sweep are to be tried again, and how much of ``run_cap`` is used.

Nothing is queued: both follow from the runs alone, so a crashed run that speaks again is simply
no longer waiting.
"""

from collections.abc import Sequence

from src.wandb_server.store.runs import Run

MAX_CRASHES = 2  # the first one and that of its retry


def to_retry(runs: Sequence[Run]) -> list[Run]:
    """The runs of a sweep whose configuration waits for another attempt, oldest first.

    A run that was killed by its user (Ctrl-C) is always tried again, a crashed one once; one that
    was told to stop never is.
    """
    by_id = {run.id: run for run in runs}
    retried = {run.retry_of for run in runs}
    return [
        run
        for run in runs
        if run.state in ("crashed", "killed")
        and not run.should_stop
        and run.params is not None
        and run.id not in retried
        and _crashes(run, by_id) < MAX_CRASHES
    ]


def _crashes(run: Run, by_id: dict[int, Run]) -> int:
    """How often the run's configuration has crashed; a kill by the user does not count."""
    count = 0
    attempt: Run | None = run
    while attempt is not None:
        count += attempt.state == "crashed"
        attempt = by_id.get(attempt.retry_of) if attempt.retry_of is not None else None
    return count


def used_of_cap(runs: Sequence[Run]) -> int:
    """How many runs count towards ``run_cap``.

    All that agents were given, but those that gave way to another attempt.
    """
    waiting = {run.id for run in to_retry(runs)}
    retried = {run.retry_of for run in runs}
    return sum(
        run.agent_id is not None and run.id not in waiting and run.id not in retried for run in runs
    )
