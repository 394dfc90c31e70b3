"""Reading the metric of a sweep out of what a run has logged."""

import math
from collections.abc import Iterable
from typing import Any, Literal

_NOT_FINITE = ("NaN", "Infinity", "-Infinity")  # JSON has no numbers for these


def metric_value(row: dict[str, Any], name: str) -> float | None:
    """The number logged under a metric's name (dotted for nested values), NaN if not finite."""
    value: Any = row.get(name)
    if value is None:
        value = row
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
    if value in _NOT_FINITE:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def best_value(values: Iterable[float], goal: Literal["minimize", "maximize"]) -> float | None:
    """The best of the finite values; None if there is none."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    return max(finite) if goal == "maximize" else min(finite)


def finite_or_none(value: float) -> float | None:
    """The value if JSON can express it."""
    return value if math.isfinite(value) else None
