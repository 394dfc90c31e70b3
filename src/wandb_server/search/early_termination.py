"""Early termination by Hyperband, with the meaning that W&B gives to its settings.

At a bracket (a number of logged points) a run is compared with the values that all runs of the
sweep, itself included, had there. It goes on if it is among the best ``1 / eta`` of them, and is
compared again at the same bracket, as more runs reach it, until it reaches the next one.

As in W&B's open-source ``sweeps`` package, with n values at the bracket the threshold is the
(floor(n / eta) + 1)-th best, so a run alone at a bracket always goes on. Bracket b is the b-th
logged point, as W&B documents it, and as that package has it since 2023; up to its version 0.2.0 it
took the point after.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from src.sweep_language.early_terminate import Hyperband, brackets
from src.sweep_language.metric import Goal


@dataclass(frozen=True)
class StopReason:
    """Why a run is stopped: at ``bracket`` logged points its value is worse than the threshold.

    ``value`` is infinitely bad (inf or -inf) if the run had no finite value to compare.
    """

    bracket: int
    value: float
    threshold: float


def should_stop(
    settings: Hyperband,
    goal: Goal,
    history: Sequence[float],
    others: Sequence[Sequence[float]],
) -> StopReason | None:
    """Whether a run is to be stopped now, and why.

    Args:
        settings: Where the brackets are and how strict the comparison is.
        goal: Whether small or large values are good.
        history: The run's values of the metric, one a logged point, so far.
        others: The same of every other run of the sweep, running or ended.

    NaN and infinities count as logged points with the worst value.
    """
    reached = [bracket for bracket in brackets(settings) if bracket <= len(history)]
    if not reached:
        return None
    bracket = reached[-1]
    there = [values[bracket - 1] for values in (history, *others) if len(values) >= bracket]
    needed = threshold(settings, goal, there)
    losses = _losses(history, goal)
    loss = losses[bracket - 1] if settings.strict else min(losses)
    if loss <= goal.sign * needed:
        return None
    return StopReason(bracket, goal.sign * loss, needed)


def threshold(settings: Hyperband, goal: Goal, values: Sequence[float]) -> float:
    """The value that a run needs to go on, given those of all runs at its bracket.

    It is infinitely bad (inf or -inf) if no finite one is needed.
    """
    return goal.sign * _needed(settings, _losses(values, goal))


def stopped_in_hindsight(
    settings: Hyperband, goal: Goal, histories: Mapping[int, Sequence[float]]
) -> set[int]:
    """Which runs would have been stopped before their last point, had all been there at once.

    Args:
        settings: Where the brackets are and how strict the comparison is.
        goal: Whether small or large values are good.
        histories: The values of each run, by its id.
    """
    losses = {run_id: _losses(values, goal) for run_id, values in histories.items()}
    longest = max(map(len, losses.values()), default=0)
    stopped: set[int] = set()
    for bracket in brackets(settings):
        if bracket >= longest:
            break
        there = [values[bracket - 1] for values in losses.values() if len(values) >= bracket]
        needed = _needed(settings, there)
        for run_id, values in losses.items():
            if len(values) > bracket:
                loss = values[bracket - 1] if settings.strict else min(values[:bracket])
                if loss > needed:
                    stopped.add(run_id)
    return stopped


def _needed(settings: Hyperband, losses: Sequence[float]) -> float:
    return sorted(losses)[int(len(losses) / settings.eta)]


def _losses(values: Sequence[float], goal: Goal) -> list[float]:
    return [goal.sign * value if math.isfinite(value) else math.inf for value in values]
