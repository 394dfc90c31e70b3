"""How runs compare: by which metric, which way is better, what each one's best value is.

A sweep says so itself; for other runs it is guessed from the names of what they have logged, and
nothing is called the best where they do not tell.
"""

import math
from collections.abc import Mapping, Sequence

from src.sweep_language.grammar import SweepSpec
from src.sweep_language.metric import Goal, usual_goal
from src.wandb_server.dashboard.histories import summary_of
from src.wandb_server.dashboard.listing import Row
from src.wandb_server.dashboard.words import ended
from src.wandb_server.metric import metric_value, run_best
from src.wandb_server.scheduling.sweep_config import UNREADABLE, stored_spec
from src.wandb_server.states import RunState
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep

# Lowest and highest value of its sweep's metric, and the points, by run; see the store.
Ranges = Mapping[int, tuple[float | None, float | None, int]]

_USUAL = ("best_val_accuracy", "val_accuracy", "accuracy", "val_loss", "loss")


def state_counts(runs: Sequence[Run]) -> dict[str, int]:
    """How many runs count, are active, were stopped early, went wrong, and were withdrawn."""
    withdrawn = sum(run.withdrawn for run in runs)
    stopped = [run for run in runs if run.stopped_early]
    return {
        "runs": len(runs) - withdrawn,
        "withdrawn": withdrawn,
        "active": sum(run.active for run in runs),
        "stopped": len(stopped),
        "by_hyperband": sum(run.early_stop is not None for run in stopped),
        # A run that is stopped may well end with an error: the agent raises one in it.
        "wrong": sum(
            run.state in (RunState.CRASHED, RunState.FAILED)
            and not (run.stopped_early or run.withdrawn)
            for run in runs
        ),
    }


def ranges_of(histories: Mapping[int, Sequence[float]]) -> Ranges:
    """The ranges of metrics that have been read already, NaN where a value was not finite."""
    ranges = {}
    for run_id, values in histories.items():
        finite = [value for value in values if math.isfinite(value)]
        ranges[run_id] = min(finite, default=None), max(finite, default=None), len(values)
    return ranges


def sweep_rows(sweep: Sweep, runs: list[Run], ranges: Ranges) -> list[Row]:
    """A sweep's runs with their best metric and why they ended."""
    spec = stored_spec(sweep)
    retried = {run.retry_of: run.display_name for run in runs if run.retry_of is not None}
    rows = []
    for run in runs:
        best, points = _best(run, spec.metric_name, spec.goal, ranges)
        rows.append(Row(run, best, points, ended(run, spec, retried.get(run.id)), sweep))
    return rows


def project_rows(
    sweeps: Sequence[Sweep],
    runs: Sequence[Run],
    metric: str | None,
    goal: Goal | None,
    ranges: Ranges,
) -> list[Row]:
    """A project's runs with their best value of one metric, or the last if no goal is known."""
    by_id = {sweep.id: sweep for sweep in sweeps}
    rows = []
    for run in runs:
        sweep = by_id.get(run.sweep_id) if run.sweep_id is not None else None
        spec = spec_or_none(sweep)
        logged = ranges if spec is not None and spec.metric_name == metric else {}
        best, points = _best(run, metric, goal, logged)
        rows.append(Row(run, best, points, ended(run, spec), sweep))
    return rows


def _best(
    run: Run, metric: str | None, goal: Goal | None, ranges: Ranges
) -> tuple[float | None, int]:
    if run.withdrawn:  # another run stands for its configuration
        return None, 0
    if goal is None:
        last = metric_value(run.summary, metric) if metric else None
        return (last if last is not None and math.isfinite(last) else None), 0
    low, high, points = ranges.get(run.id, (None, None, 0))
    # Nothing is known of a metric that is not a sweep's, or is set in the summary alone.
    logged = [value for value in (low, high) if value is not None]
    return run_best(logged, run.summary, metric, goal), points


def spec_or_none(sweep: Sweep | None) -> SweepSpec | None:
    """What a sweep searches, if the run is part of one, and it is known."""
    spec = stored_spec(sweep) if sweep is not None else UNREADABLE
    return spec if spec is not UNREADABLE else None


def metrics_of(sweeps: Sequence[Sweep], runs: Sequence[Run]) -> dict[str, Goal | None]:
    """The metrics by which a project's runs can be compared, likeliest first.

    Each with its goal: that of its sweep, or the usual one, if its name tells.
    """
    found: dict[str, Goal | None] = {}
    for sweep in reversed(sweeps):
        spec = stored_spec(sweep)
        if spec.metric_name:
            found.setdefault(spec.metric_name, spec.goal)
    keys = {
        key
        for run in runs[-50:]
        for key, value in summary_of(run).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    for key in [*(k for k in _USUAL if k in keys), *sorted(keys)]:
        found.setdefault(key, usual_goal(key))
    return found


def best_row(rows: Sequence[Row], goal: Goal | None) -> Row | None:
    """The run with the best value; of equal ones the first, and none without a goal."""
    if goal is None:
        return None
    with_value = [(goal.sign * row.best, row) for row in rows if row.best is not None]
    return min(with_value, key=lambda pair: pair[0])[1] if with_value else None
