"""Attempts at the same configuration of a sweep, of which one is to go on.

A run that was taken for dead may be heard of again when its configuration is being tried again
already: its agent was frozen, or its network was away.
"""

from collections.abc import Iterable

from src.wandb_server.states import RunState
from src.wandb_server.store import Store
from src.wandb_server.store.runs import Run


def heard_again(store: Store, run: Run) -> None:
    """Choose between a run that was taken for dead, but is not, and those that tried it again.

    It is further than they are, so they are withdrawn, unless one of them is done.
    """
    later = _attempts_after(store, run)
    done = any(one.state is RunState.FINISHED and not one.withdrawn for one in later)
    _withdraw(store, [run] if done else later)


def begun_again(store: Store, run: Run) -> None:
    """A program goes on with a run that had ended: nobody else need try it again."""
    later = _attempts_after(store, run)
    _withdraw(store, (one for one in later if one.state is not RunState.FINISHED))


def _attempts_after(store: Store, run: Run) -> list[Run]:
    """Those that try again what a run tried, oldest first."""
    line, later = {run.id}, []
    for other in store.runs.of_sweep(run.sweep_id) if run.sweep_id is not None else []:
        if other.retry_of in line:
            line.add(other.id)
            later.append(other)
    return later


def _withdraw(store: Store, runs: Iterable[Run]) -> None:
    """Have runs stopped that are under way, and count none of them."""
    for run in runs:
        store.runs.update(run.id, withdrawn=1, should_stop=1)
