"""Runs that were there before a sweep and are added to it, so that the search knows them."""

from collections.abc import Sequence
from typing import Any

from src.sweep_language.distributions import Choice
from src.sweep_language.grammar import SweepSpec
from src.wandb_server.metric import metric_value
from src.wandb_server.store import Store
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep


def adopt(store: Store, sweep: Sweep, spec: SweepSpec, runs: Sequence[Run]) -> list[str]:
    """Make runs part of a sweep. They do not count towards its ``run_cap``.

    Args:
        store: The store.
        sweep: The sweep.
        spec: Its parsed form.
        runs: Runs of its project; those that belong to a sweep already, and those without a value
            for each of the sweep's parameters, are left out.

    Returns:
        A sentence for each run that is left out.
    """
    left_out = []
    for run in runs:
        params = _params(run, spec)
        if run.sweep_id is not None or isinstance(params, str):
            why = "belongs to another sweep" if run.sweep_id is not None else f"has no {params}"
            left_out.append(f"prior run {run.name}: it is left out, as it {why}")
            continue
        store.runs.update(run.id, sweep_id=sweep.id, params=params, prior=1)
        if spec.metric_name is None:
            continue
        rows = store.runs.rows(run.id, "history")
        # One that is still going on, a fork say, has its next value after these.
        first = store.runs.line_count(run.id, "history") - len(rows)
        values = enumerate((metric_value(row, spec.metric_name) for row in rows), first)
        store.runs.put_metric_values(run.id, [(i, v) for i, v in values if v is not None])
    return left_out


def _params(run: Run, spec: SweepSpec) -> dict[str, Any] | str:
    """The run's value of every parameter of the sweep, nested as in its YAML, or who has none."""
    params: dict[str, Any] = {}
    for path, parameter in spec.parameters.items():
        entry = run.config.get(path[0])
        value = entry.get("value") if isinstance(entry, dict) else None
        for name in path[1:]:
            value = value.get(name) if isinstance(value, dict) else None
        if value is None and isinstance(parameter, Choice) and parameter.size == 1:
            value = parameter.values[0]  # a constant
        if value is None:
            return ".".join(path)
        inner = params
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = value
    return params
