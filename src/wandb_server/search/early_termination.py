"""Early termination by Hyperband, with the meaning that W&B gives to its settings.

At a bracket (a number of logged points) a run is compared with the values that all runs of the
sweep, itself included, had there. It goes on if it is among the best ``1 / eta`` of them, and is
compared again at the same bracket, as more runs reach it, until it reaches the next one.

As in W&B's open-source ``sweeps`` package, with n values at the bracket the threshold is the
(floor(n / eta) + 1)-th best, so a run alone at a bracket always goes on. Unlike there, bracket b is
the b-th logged point, as W&B documents it, not the one after.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat
from operator import mul, truediv
from typing import Literal

Goal = Literal["minimize", "maximize"]

_MAX_BRACKETS = 100
_MAX_POINTS = 10**9


@dataclass(frozen=True)
class Hyperband:
    """Settings of ``early_terminate``.

    Either ``min_iter`` (brackets at min_iter * eta^k, k = 0, 1, ...) or ``max_iter`` and ``s``
    (brackets at max_iter / eta^k, k = 1 ... s), which win if all are given. ``strict`` compares a
    run's value at the bracket; otherwise its best value so far, which stops fewer runs.
    """

    min_iter: int | None = None
    max_iter: int | None = None
    s: int | None = None
    eta: float = 3.0
    strict: bool = False


@dataclass(frozen=True)
class StopReason:
    """Why a run is stopped: at ``bracket`` logged points its value is worse than the threshold.

    ``value`` is infinitely bad (inf or -inf) if the run had no finite value to compare.
    """

    bracket: int
    value: float
    threshold: float


def brackets(settings: Hyperband) -> tuple[int, ...]:
    """The numbers of logged points at which runs are compared, rising, at most 100.

    Raises:
        ValueError: if neither ``min_iter`` nor both ``max_iter`` and ``s`` are set.
    """
    if settings.max_iter is not None and settings.s is not None:
        step, first, count = truediv, settings.max_iter / settings.eta, settings.s
    elif settings.min_iter is not None:
        step, first, count = mul, float(settings.min_iter), _MAX_BRACKETS
    else:
        raise ValueError("early_terminate: give min_iter, or max_iter and s")
    etas = repeat(settings.eta, min(count, _MAX_BRACKETS) - 1)
    points = accumulate(etas, step, initial=first)
    return tuple(sorted({int(point) for point in points if 1 <= point <= _MAX_POINTS}))


def should_stop(
    settings: Hyperband,
    goal: Goal,
    history: Sequence[float],
    others: Sequence[Sequence[float]],
) -> StopReason | None:
    """Whether a run is to be stopped now, and why.

    Args:
        settings: where the brackets are and how strict the comparison is.
        goal: whether small or large values are good.
        history: the run's values of the metric, one a logged point, so far.
        others: the same of every other run of the sweep, running or ended.

    NaN and infinities count as logged points with the worst value.
    """
    reached = [bracket for bracket in brackets(settings) if bracket <= len(history)]
    if not reached:
        return None
    bracket = reached[-1]
    sign = 1.0 if goal == "minimize" else -1.0
    losses = _losses(history, sign)
    rivals = [
        _losses(other[bracket - 1 : bracket], sign)[0] for other in others if len(other) >= bracket
    ]
    at_bracket = sorted([losses[bracket - 1], *rivals])
    threshold = at_bracket[int(len(at_bracket) / settings.eta)]
    loss = losses[bracket - 1] if settings.strict else min(losses)
    return StopReason(bracket, sign * loss, sign * threshold) if loss > threshold else None


def _losses(values: Sequence[float], sign: float) -> list[float]:
    return [sign * value if math.isfinite(value) else math.inf for value in values]
