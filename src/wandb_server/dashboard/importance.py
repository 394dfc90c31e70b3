"""What a sweep's page says of its hyperparameters."""

from collections.abc import Sequence
from typing import Any

from src.sweep_language.distributions import Log, Numeric
from src.sweep_language.grammar import SweepSpec
from src.sweep_language.metric import Goal
from src.wandb_server.dashboard import words
from src.wandb_server.dashboard.listing import Row
from src.wandb_server.documents import flat
from src.wandb_server.importance.factors import Scale, Trial
from src.wandb_server.importance.findings import Findings, Group, Importance, findings


def sweep_findings(rows: Sequence[Row], spec: SweepSpec) -> Findings | None:
    """What a sweep's ended runs tell, each with its best value, however early it ended.

    A run that has just begun says nothing of its hyperparameters yet.
    """
    trials: list[Trial] = [
        (dict(flat(row.run.params)), row.best)
        for row in rows
        if row.run.params and row.best is not None and not row.run.active
    ]
    return findings(trials, spec.goal is Goal.MAXIMIZE, scales_of(spec))


def scales_of(spec: SweepSpec) -> dict[str, Scale]:
    """How the hyperparameters are searched that are numbers from a range."""
    return {
        ".".join(path): "logarithmic" if isinstance(parameter.shape, Log) else "linear"
        for path, parameter in spec.parameters.items()
        if isinstance(parameter, Numeric)
    }


def did_better(item: Importance) -> str:
    """Which values did best and worst, if the runs tell that it matters."""
    if not item.told:
        return f"not told from chance (p {item.p:.2g})"
    best, worst = item.groups[0], item.groups[-1]
    return f"{_mean(best, 'did best')}, {_mean(worst, 'worst')}"


def _mean(group: Group, how: str) -> str:
    low, high = _said(group.low), _said(group.high)
    values = low if low == high else f"{low} to {high}"
    return f"{values} {how} (mean {words.number(group.mean)} of {words.count(group.runs, 'run')})"


def _said(value: Any) -> str:
    if value is None:
        return "not set"
    return words.number(value) if isinstance(value, float) else str(value)
