"""The live line of a sweep, and the watch over its agents and its server."""

import shutil
import sys
import time
from typing import NoReturn

import pandas as pd
from tqdm import tqdm

from src.sweeps.fleet import Fleet
from src.sweeps.servers import Server
from src.sweeps.states import ACTIVE, DONE, RunState
from src.sweeps.sweep import Sweep
from src.tracking.wandb_private import SERVER_ERRORS

# Fits a terminal of 80 columns; the bar takes what a wider one leaves.
_BAR = "{n_fmt}/{total_fmt} runs |{bar}| {remaining} left, {desc}"
_MAX_COLUMNS = 110
_PATIENCE_SECONDS = 120  # with a server that is away


def watch(sweep: Sweep, fleet: Fleet, server: Server, poll_seconds: float) -> None:
    """Show the sweep's progress until it is over or no agent is left.

    Raises:
        wandb.errors.Error: Or another of ``SERVER_ERRORS``, if the server stays away.
    """
    metric, maximize = sweep.definition.metric, sweep.definition.maximize
    with _live_line(sweep) as bar:
        away_since: float | None = None
        while True:
            for note in server.tend() + fleet.tend():
                bar.write(note)
            try:
                table, over = sweep.runs(), sweep.is_over()
            except SERVER_ERRORS:  # it is away for now; the agents wait for it too
                # From its first failure on: this process may have been stopped before (Ctrl-Z).
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > _PATIENCE_SECONDS:
                    raise
                time.sleep(poll_seconds)
                continue
            away_since = None
            bar.set_description_str(describe(table, metric, maximize), refresh=False)
            bar.update(done(table) - bar.n)
            if sys.stderr.isatty():
                bar.refresh()
            # A sweep may be called finished when its last run has been handed out.
            if not fleet.alive or (over and not _active(table)):
                return
            time.sleep(poll_seconds)


def _live_line(sweep: Sweep) -> "tqdm[NoReturn]":
    return tqdm(
        total=sweep.definition.total_runs,
        initial=done(sweep.runs()),
        desc="agents are starting",
        bar_format=_BAR,
        ncols=min(shutil.get_terminal_size().columns, _MAX_COLUMNS),
        # A log file gets a line now and then, a terminal a live one.
        mininterval=0.1 if sys.stderr.isatty() else 20,
    )


def done(table: pd.DataFrame) -> int:
    """How many runs are through."""
    return int(table["state"].isin(DONE).sum())


def _active(table: pd.DataFrame) -> int:
    return int(table["state"].isin(ACTIVE).sum())


def describe(table: pd.DataFrame, metric: str, maximize: bool) -> str:
    """Counts of the runs by how they stand, and the best value so far."""
    stopped = table["stopped_early"].astype(bool)
    # A run that is stopped may end with an error: some agents raise one in it.
    failed = table["state"].isin([RunState.FAILED, RunState.CRASHED]) & ~stopped
    counts = {
        "running": _active(table),
        "stopped early": int(stopped.sum()),
        "failed": int(failed.sum()),
    }
    parts = [f"{count} {name}" for name, count in counts.items() if count or name == "running"]
    values = table["value"].dropna()
    if len(values):
        best = values.max() if maximize else values.min()
        parts.append(f"best {metric} {best:.4f}")
    return ", ".join(parts)
