"""What the runs of a sweep tell of its hyperparameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from src.wandb_server.importance.evidence import LEVEL, Evidence
from src.wandb_server.importance.factors import Array, Factor, Scale, Trial, factors
from src.wandb_server.importance.forest import shares
from src.wandb_server.importance.wandb_panel import correlation, impurities

MIN_RUNS = 8
_MAX_RUNS = 2_000
_PARTS = 4  # of a range, with as many runs each
_PER_PART = 3  # runs at least


@dataclass(frozen=True)
class Group:
    """The runs of one value of a choice, or of one part of a range, and their mean result."""

    low: Any
    high: Any
    mean: float
    runs: int


@dataclass(frozen=True)
class Importance:
    """One hyperparameter.

    Attributes:
        name: Its flat name.
        share: The share of the differences between runs that it decides, alone or with others.
        spread: The standard error of that.
        p: How often chance alone would show as much of an effect.
        told: Whether that is seldom enough, among so many hyperparameters.
        groups: Its values, or the parts of its range, best first.
        impurity: W&B's importance.
        correlation: W&B's correlation; None for what is no number.
    """

    name: str
    share: float
    spread: float
    p: float
    told: bool
    groups: tuple[Group, ...]
    impurity: float
    correlation: float | None


@dataclass(frozen=True)
class Findings:
    """What a sweep's runs tell.

    Attributes:
        runs: How many runs that is.
        level: The p-value below which one hyperparameter is told from chance.
        items: The hyperparameters that vary: those that are told, then the others, each by share.
        likeliest: The one with the smallest p-value.
        needed: How many runs would tell that, if its effect is as large as it looks; None for
            more than is worth a guess.
    """

    runs: int
    level: float
    items: tuple[Importance, ...]
    likeliest: Importance
    needed: int | None

    @property
    def told(self) -> tuple[Importance, ...]:
        """Those that matter by what these runs tell."""
        return tuple(item for item in self.items if item.told)

    @property
    def clear(self) -> bool:
        """Whether the first decides more than any other, beyond their spreads."""
        first, *others = self.items
        return first.told and all(
            first.share - first.spread > one.share + one.spread for one in others
        )

    @property
    def chance(self) -> float:
        """How often one of so many shows as much as the likeliest, if none matters (Sidak 1967)."""
        return 1.0 - (1.0 - self.likeliest.p) ** len(self.items)


def findings(
    trials: Sequence[Trial], maximize: bool, scales: Mapping[str, Scale]
) -> Findings | None:
    """What runs tell; None if they are fewer than ``MIN_RUNS``, or all alike.

    Args:
        trials: Hyperparameters by flat name, and best result, of each run.
        maximize: Whether large results are good.
        scales: How those are searched that are ranges.
    """
    if len(trials) < MIN_RUNS:
        return None
    rows = tuple(
        (tuple((name, _hashable(value)) for name, value in params.items()), result)
        for params, result in trials[-_MAX_RUNS:]
    )
    return _findings(rows, maximize, frozenset(scales.items()))


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


@lru_cache(maxsize=64)  # an open page asks for it every few seconds
def _findings(
    rows: tuple[tuple[tuple[tuple[str, Any], ...], float], ...],
    maximize: bool,
    searched: frozenset[tuple[str, Scale]],
) -> Findings | None:
    found = factors([(dict(params), result) for params, result in rows], dict(searched))
    results = np.array([result for _, result in rows])
    if not found or results.min() == results.max():
        return None
    evidence = [Evidence(factor, results) for factor in found]
    level = LEVEL / len(found)
    items = [
        Importance(
            factor.name,
            float(share),
            float(spread),
            tested.p,
            tested.p < level,
            _groups(factor, results, maximize),
            impurity,
            correlation(factor, results),
        )
        for factor, tested, share, spread, impurity in zip(
            found, evidence, *shares(found, results), impurities(found, results), strict=True
        )
    ]
    first = min(range(len(found)), key=lambda i: (evidence[i].p, -items[i].share))
    ordered = sorted(items, key=lambda item: (not item.told, -item.share))
    needed = evidence[first].runs_needed(level)
    return Findings(len(rows), level, tuple(ordered), items[first], needed)


def _groups(factor: Factor, results: Array, maximize: bool) -> tuple[Group, ...]:
    """The runs of each value, or of each part of a range, best first."""
    codes = factor.codes() if factor.numbers is None else _parts(factor.numbers)
    own = results[factor.present]
    groups = []
    for code in np.unique(codes):
        places = np.flatnonzero(codes == code)
        values = [factor.values[place] for place in places]
        low, high = (values[0], values[0]) if factor.numbers is None else (min(values), max(values))
        # Each is divided first, as a sum of large ones overflows.
        mean = float(np.sum(own[places] / len(places)))
        groups.append(Group(low, high, mean, len(places)))
    return tuple(sorted(groups, key=lambda group: group.mean, reverse=maximize))


def _parts(numbers: Array) -> Array:
    """Parts of a range with about as many runs each; equal numbers are never parted."""
    different = np.unique(numbers)
    if len(different) <= _PARTS:
        return np.searchsorted(different, numbers).astype(np.float64)
    count = max(2, min(_PARTS, len(numbers) // _PER_PART))
    edges = np.quantile(numbers, np.arange(1, count) / count)
    return np.searchsorted(edges, numbers, side="left").astype(np.float64)
