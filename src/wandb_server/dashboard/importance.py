"""Which hyperparameters matter: importance in a random forest, and correlation, as W&B shows them.

The forest predicts a run's best metric from its parameters; a parameter's importance is its share
of the forest's reduction of variance (impurity), which sums to one over all parameters. Choices
are one-hot encoded and the importances of their values added up. The correlation is Pearson's, of
the parameter's logarithm where the sweep searches it logarithmically.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from src.wandb_server.dashboard import words
from src.wandb_server.metric import as_number

Scale = Literal["linear", "logarithmic"]

MIN_RUNS = 5
_MAX_RUNS = 2_000
_TREES = 100
_LARGEST = 1e38  # the forest reckons with floats of 32 bits


@dataclass(frozen=True)
class Importance:
    """One parameter. ``correlation`` is positive where larger numbers had larger metrics.

    ``means`` has the mean metric of each value of a choice, best first.
    """

    name: str
    importance: float
    correlation: float | None
    means: tuple[tuple[str, float], ...]
    maximize: bool

    @property
    def direction(self) -> str:
        """What did better, in words."""
        if self.means:
            (best, high), (worst, low) = self.means[0], self.means[-1]
            return (
                f"{best} did best (mean {words.number(high)}), {worst} worst ({words.number(low)})"
            )
        towards_good = self.correlation
        if towards_good is not None and not self.maximize:
            towards_good = -towards_good
        return words.correlation(towards_good)


def importances(
    trials: Sequence[tuple[Mapping[str, Any], float]], maximize: bool, scales: Mapping[str, Scale]
) -> list[Importance]:
    """The parameters that vary, most important first; none with fewer than ``MIN_RUNS`` trials.

    Args:
        trials: Parameters by flat name, and best metric, of each run.
        maximize: Whether large metrics are good.
        scales: How the parameters are searched that are not choices.
    """
    if len(trials) < MIN_RUNS:
        return []
    names = sorted({name for params, _ in trials for name in params})
    rows = tuple(
        (tuple(_hashable(params.get(name)) for name in names), value)
        for params, value in trials[-_MAX_RUNS:]
    )
    return list(_importances(tuple(names), rows, maximize, frozenset(scales.items())))


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


@lru_cache(maxsize=64)
def _importances(
    names: tuple[str, ...],
    rows: tuple[tuple[tuple[Any, ...], float], ...],
    maximize: bool,
    searched: frozenset[tuple[str, Scale]],
) -> tuple[Importance, ...]:
    # Imported here: it takes a second, which the server's start need not wait for.
    from sklearn.ensemble import RandomForestRegressor

    scales = dict(searched)
    metric = [value for _, value in rows]
    columns: list[list[float]] = []
    owner: list[str] = []
    kinds: dict[str, list[Any]] = {}
    for index, name in enumerate(names):
        values = [params[index] for params, _ in rows]
        if len(set(map(_key, values))) < 2:
            continue
        kinds[name] = values
        encoded = [_numbers(values, scales.get(name))] if _numeric(values) else _one_hot(values)
        columns += encoded
        owner += [name] * len(encoded)
    if not columns or max(metric) == min(metric):
        return ()
    forest = RandomForestRegressor(_TREES, random_state=0, n_jobs=1)
    # Squares of larger results overflow; neither importance nor correlation depends on their scale.
    largest = max(map(abs, metric))
    scale = largest if largest > _LARGEST else 1.0
    results = [value / scale for value in metric]
    forest.fit(list(zip(*columns, strict=True)), results)
    total: defaultdict[str, float] = defaultdict(float)
    for name, share in zip(owner, forest.feature_importances_, strict=True):
        total[name] += float(share)
    found = [
        Importance(
            name,
            total[name],
            _pearson(_numbers(values, scales.get(name)), results) if _numeric(values) else None,
            () if name in scales else _means(values, metric, maximize),
            maximize,
        )
        for name, values in kinds.items()
    ]
    return tuple(sorted(found, key=lambda item: -item.importance))


def _key(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value


def _numeric(values: Sequence[Any]) -> bool:
    return all((number := as_number(v)) is not None and abs(number) < _LARGEST for v in values)


def _numbers(values: Sequence[float], scale: Scale | None) -> list[float]:
    if scale == "logarithmic" and min(values) > 0:
        return [math.log(value) for value in values]
    return [float(value) for value in values]


def _one_hot(values: Sequence[Any]) -> list[list[float]]:
    kinds = sorted(set(map(_key, values)), key=str)
    return [[float(_key(value) == kind) for value in values] for kind in kinds]


def _means(
    values: Sequence[Any], metric: Sequence[float], maximize: bool
) -> tuple[tuple[str, float], ...]:
    groups: defaultdict[str, list[float]] = defaultdict(list)
    for value, result in zip(values, metric, strict=True):
        groups[_said(value)].append(result)
    # Each is divided first, as a sum of large ones overflows.
    means = [(name, sum(v / len(group) for v in group)) for name, group in groups.items()]
    return tuple(sorted(means, key=lambda item: item[1], reverse=maximize))


def _said(value: Any) -> str:
    if value is None:
        return "not set"
    return words.number(value) if isinstance(value, float) else str(value)


def _pearson(x: Sequence[float], y: Sequence[float]) -> float | None:
    n = len(x)
    mean_x, mean_y = sum(x) / n, sum(y) / n
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    # Products, as a power that overflows is an error.
    spread = math.sqrt(
        sum((a - mean_x) * (a - mean_x) for a in x) * sum((b - mean_y) * (b - mean_y) for b in y)
    )
    return covariance / spread if 0 < spread < math.inf else None
