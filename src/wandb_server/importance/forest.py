"""Importance by trees: what they lose without a hyperparameter.

A tree is grown on a bootstrap sample of the runs and predicts the ranks of the others. Shuffling
all columns of a hyperparameter among these makes it worse (Breiman 2001,
doi.org/10.1023/A:1010933404324); half of the growth of the squared error, over the variance, is the
share of the differences that the hyperparameter decides, alone or with others (Gregorutti, Michel
and Saint-Pierre 2017, doi.org/10.1007/s11222-016-9646-1).

Its spread is that of the same figure over random halves of the runs: the delete-d jackknife (Shao
and Wu 1989, doi.org/10.1214/aos/1176347263; for forests, Ishwaran and Lu 2019,
doi.org/10.1002/sim.7803).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.wandb_server.importance.factors import Array, Factor

_TREES = 100
_HALVES = 20
_TREES_OF_A_HALF = 6
_SHUFFLES = 3
_MAX_RUNS = 500  # for which trees of our own are grown: evenly of more


def shares(factors: Sequence[Factor], results: Array) -> tuple[Array, Array]:
    """The share of the differences between runs that each hyperparameter decides, and its spread.

    The share may be a little below 0 for one that decides nothing.
    """
    from scipy.stats import rankdata
    from sklearn import config_context

    count = len(results)
    rows = np.unique(np.linspace(0, count - 1, min(count, _MAX_RUNS)).astype(int))
    bag = _Bag(factors, rankdata(results)[rows], rows)
    everything = np.arange(len(rows))
    with config_context(skip_parameter_validation=True):  # which takes a third of the time
        found = bag.shares(everything, _TREES)
        halves = [
            bag.shares(bag.rng.permutation(everything)[: len(rows) // 2], _TREES_OF_A_HALF)
            for _ in range(_HALVES)
        ]
    return found, np.std(halves, axis=0, ddof=1)


class _Bag:
    def __init__(self, factors: Sequence[Factor], ranks: Array, rows: NDArray[np.intp]) -> None:
        blocks = [factor.columns()[rows] for factor in factors]
        ends = np.cumsum([block.shape[1] for block in blocks])
        self._columns = np.concatenate(blocks, axis=1).astype(np.float32)
        self._own = [
            slice(end - block.shape[1], end) for end, block in zip(ends, blocks, strict=True)
        ]
        self._has = [np.isin(rows, factor.present) for factor in factors]
        self._ranks = ranks
        self.rng = np.random.default_rng(0)

    def shares(self, rows: NDArray[np.intp], trees: int) -> Array:
        """The means over trees that are grown on bootstrap samples of some of the runs."""
        from sklearn.tree import DecisionTreeRegressor

        variance = self._ranks[rows].var()
        growths = []
        for seed in range(trees):
            grown = self.rng.choice(rows, len(rows))
            left = np.setdiff1d(rows, grown)
            tree = DecisionTreeRegressor(random_state=seed)
            tree.fit(self._columns[grown], self._ranks[grown], check_input=False)
            if len(left):
                growths.append(self._growths(tree, left))
        if variance == 0 or not growths:  # runs among which there is nothing to decide
            return np.zeros(len(self._own))
        found: Array = np.mean(growths, axis=0) / (2 * variance)
        return found

    def _growths(self, tree: Any, left: NDArray[np.intp]) -> Array:
        """How much the squared error of the runs left out grows by shuffling each."""
        plain = self._columns[left]
        blocks = [plain]
        for own, has in zip(self._own, self._has, strict=True):
            places = np.flatnonzero(has[left])
            for _ in range(_SHUFFLES):
                shuffled = plain.copy()
                shuffled[places, own] = plain[self.rng.permutation(places), own]
                blocks.append(shuffled)
        predicted = tree.predict(np.concatenate(blocks), check_input=False)
        errors = np.mean((predicted.reshape(len(blocks), -1) - self._ranks[left]) ** 2, axis=1)
        found: Array = errors[1:].reshape(len(self._own), _SHUFFLES).mean(axis=1) - errors[0]
        return found
