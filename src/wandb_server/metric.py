"""Numbers that runs have logged: a sweep's metric, and values that JSON cannot express."""

import math
from collections.abc import Iterable
from typing import Any

from src.sweep_language.metric import Goal
from src.wandb_server.documents import lookup

# JSON has no numbers for these; the client writes and reads them as strings.
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")


def metric_value(row: dict[str, Any], name: str) -> float | None:
    """The number logged under a metric's name (dotted for nested values), NaN if not finite."""
    return as_number(lookup(row, name))


def as_number(value: Any) -> float | None:
    """The number that a JSON value is, NaN if it is infinite or too large, None if it is none."""
    if value in _NOT_FINITE:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def best_value(values: Iterable[float], goal: Goal) -> float | None:
    """The best of the finite values; None if there is none."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    return max(finite) if goal is Goal.MAXIMIZE else min(finite)


def run_best(
    history: Iterable[float], summary: dict[str, Any], metric: str | None, goal: Goal
) -> float | None:
    """A run's best value of a metric.

    Args:
        history: The values that it has logged, as far as they are known.
        summary: Its summary, which is asked only if none of these is finite: for the best value
            that the run says itself, under ``best_`` and the metric's name, or else for the last.
        metric: The metric's name; of none there is no best value.
        goal: Which way is better.
    """
    if metric is None:  # nobody knows which way is better, either
        return None
    best = best_value(history, goal)
    if best is None:
        said = [metric_value(summary, name) for name in (f"best_{metric}", metric)]
        best = next((value for value in said if value is not None and math.isfinite(value)), None)
    return best


def finite_or_none(value: float) -> float | None:
    """The value if JSON can express it."""
    return value if math.isfinite(value) else None


def expressible(value: Any) -> Any:
    """A JSON value with strings in the place of numbers that are not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: expressible(item) for key, item in value.items()}
    if isinstance(value, list):
        return [expressible(item) for item in value]
    return value
