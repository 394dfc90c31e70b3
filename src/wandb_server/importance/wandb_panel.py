"""The two figures of W&B's panel: https://docs.wandb.ai/guides/app/features/panels/parameter-importance

Importance is the share of a random forest's reduction of variance (impurity), which sums to one,
that of a choice summed over its values; it favours hyperparameters of many values, and finds one
where there is no effect, too. Correlation is Pearson's, of the number as it is.
"""

import math
from collections.abc import Sequence

import numpy as np

from src.wandb_server.importance.factors import LARGEST, Array, Factor

_TREES = 100


def impurities(factors: Sequence[Factor], results: Array) -> list[float]:
    """Each hyperparameter's share."""
    from sklearn.ensemble import RandomForestRegressor

    blocks = [factor.plain_columns() for factor in factors]
    forest = RandomForestRegressor(_TREES, random_state=0, n_jobs=1)
    forest.fit(np.concatenate(blocks, axis=1), _tame(results))
    ends = np.cumsum([block.shape[1] for block in blocks])[:-1]
    return [float(part.sum()) for part in np.split(forest.feature_importances_, ends)]


def correlation(factor: Factor, results: Array) -> float | None:
    """Of the runs that have it; None for what is no number and for equal results."""
    if factor.plain is None:
        return None
    numbers, values = _tame(factor.plain), _tame(results[factor.present])
    x, y = numbers - numbers.mean(), values - values.mean()
    spread = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / spread if spread > 0 else None


def _tame(values: Array) -> Array:
    """The values, of which larger ones would overflow, on a scale of their own."""
    largest = float(np.abs(values).max())
    return values / largest if largest > LARGEST else values
