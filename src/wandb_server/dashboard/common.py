"""What the models of several pages share."""

from collections.abc import Sequence
from typing import Any

import yaml

from src.sweep_language.grammar import SweepSpec
from src.wandb_server.api.sweep_config import sweep_spec
from src.wandb_server.dashboard.histories import summary_of
from src.wandb_server.dashboard.listing import Row
from src.wandb_server.dashboard.words import ended
from src.wandb_server.metric import metric_value
from src.wandb_server.states import RunState
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep

# Lowest and highest value of its sweep's metric, and the points, by run; see the store.
Ranges = dict[int, tuple[float | None, float | None, int]]

# Metrics of which less is more, by a part of their names, when no sweep says so.
_LESS_IS_MORE = ("loss", "error", "mse", "mae", "rmse", "perplexity", "seconds", "time")
_USUAL = ("best_val_accuracy", "val_accuracy", "accuracy", "val_loss", "loss")


def goal_of(metric: str) -> str:
    """Whether small or large values of a metric are good, as far as its name tells."""
    return "minimize" if any(part in metric.lower() for part in _LESS_IS_MORE) else "maximize"


def sweep_title(sweep: Sweep) -> str:
    """A sweep's name for people: as given later, else as in its YAML, else its id."""
    name = yaml.safe_load(sweep.config).get("name")
    return sweep.display_name or (name if isinstance(name, str) and name else sweep.name)


def state_counts(runs: Sequence[Run]) -> dict[str, int]:
    """How many runs there are, are active, were stopped early, and went wrong."""
    return {
        "runs": len(runs),
        "active": sum(run.active for run in runs),
        "stopped": sum(run.early_stop is not None for run in runs),
        # A run that is stopped may well end with an error: the agent raises one in it.
        "wrong": sum(
            r.state in (RunState.CRASHED, RunState.FAILED) and not r.should_stop for r in runs
        ),
    }


def sweep_rows(sweep: Sweep, runs: list[Run], ranges: Ranges) -> list[Row]:
    """A sweep's runs with their best metric and why they ended."""
    spec = sweep_spec(sweep.config)
    retried = {run.retry_of: run.display_name for run in runs if run.retry_of is not None}
    rows = []
    for run in runs:
        best, points = _best(run, spec.metric_name, spec.goal, ranges)
        rows.append(Row(run, best, points, ended(run, spec, retried.get(run.id)), sweep))
    return rows


def project_rows(
    sweeps: Sequence[Sweep], runs: Sequence[Run], metric: str | None, goal: str, ranges: Ranges
) -> list[Row]:
    """A project's runs with their best value of one metric."""
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
    run: Run,
    metric: str | None,
    goal: str,
    ranges: Ranges,
) -> tuple[float | None, int]:
    low, high, points = ranges.get(run.id, (None, None, 0))
    best = high if goal == "maximize" else low
    if best is None and metric:
        # Not a sweep's metric, or set in the summary alone.
        values = [metric_value(run.summary, name) for name in (f"best_{metric}", metric)]
        best = next((v for v in values if v is not None and v == v), None)
    return best, points


def spec_or_none(sweep: Sweep | None) -> SweepSpec | None:
    """What a sweep searches, if the run is part of one."""
    return sweep_spec(sweep.config) if sweep is not None else None


def metrics_of(sweeps: Sequence[Sweep], runs: Sequence[Run]) -> dict[str, str]:
    """The metrics by which a project's runs can be compared, with their goals, likeliest first."""
    found: dict[str, str] = {}
    for sweep in reversed(sweeps):
        spec = sweep_spec(sweep.config)
        if spec.metric_name:
            found.setdefault(spec.metric_name, spec.goal)
    keys = {
        key
        for run in runs[-50:]
        for key, value in summary_of(run).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    for key in [*(k for k in _USUAL if k in keys), *sorted(keys)]:
        found.setdefault(key, goal_of(key))
    return found


def best_row(rows: Sequence[Row], goal: str) -> Row | None:
    """The run with the best value."""
    with_value: list[tuple[float, Row]] = [(r.best, r) for r in rows if r.best is not None]
    if not with_value:
        return None
    choose: Any = max if goal == "maximize" else min
    best: tuple[float, Row] = choose(with_value, key=lambda pair: pair[0])
    return best[1]
