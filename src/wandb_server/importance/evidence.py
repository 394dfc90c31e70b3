"""Whether runs tell that a hyperparameter matters, and how many runs would.

The test is the F test of a linear model of the results' ranks: over the values of a choice, where
it is the Kruskal-Wallis test in another dress, or of a parabola in a number. Ranks, so that runs
that diverged weigh no more than others (Conover and Iman 1981, doi.org/10.2307/2683975). Of several
hyperparameters each must pass at ``LEVEL`` divided by their number (Bonferroni).
"""

import numpy as np

from src.wandb_server.importance.factors import Array, Factor

LEVEL = 0.05
POWER = 0.8
MOST_RUNS = 1_000  # beyond that "more than" says enough


class Evidence:
    """How well one hyperparameter explains the ranks of the results of the runs that have it.

    Attributes:
        freedom: Degrees of freedom of its effect.
        left: Degrees of freedom of what it does not explain.
        share: The share of the variance that it explains in these runs.
        p: How often chance alone explains as much.
    """

    def __init__(self, factor: Factor, results: Array) -> None:
        from scipy.stats import f, rankdata

        ranks = rankdata(results[factor.present])
        centred = ranks - ranks.mean()
        design = factor.design()
        basis, sizes, _ = np.linalg.svd(design - design.mean(axis=0), full_matrices=False)
        basis = basis[:, sizes > 1e-9 * sizes.max()]
        total = float(centred @ centred)
        explained = float(np.sum((basis.T @ centred) ** 2))
        self.freedom: int = basis.shape[1]
        self.left: int = len(ranks) - 1 - self.freedom
        self.share = min(explained / total, 1.0) if total else 0.0
        self.p = 1.0
        if self.left > 0 and self.share > 0:
            unexplained = max(1 - self.share, 1e-12)
            ratio = self.share / self.freedom * self.left / unexplained
            self.p = float(f.sf(ratio, self.freedom, self.left))

    @property
    def effect(self) -> float:
        """The share of the variance that it would explain in endless runs, at least 0.

        What these runs show is larger, as it fits chance, too (Ezekiel's adjustment, 1930).
        """
        if self.left <= 0:
            return 0.0
        unexplained = (1 - self.share) * (self.freedom + self.left) / self.left
        return max(0.0, 1 - unexplained)

    def runs_needed(self, level: float) -> int | None:
        """How many runs tell an effect of this size in ``POWER`` of all sweeps.

        The power of the F test is that of Cohen, Statistical Power Analysis, 1988, chapter 9.

        Args:
            level: The p-value below which it is told.

        Returns:
            None if it takes more than ``MOST_RUNS``.
        """
        low, high = self.freedom + self.left + 1, MOST_RUNS
        if low >= high or self.effect == 0 or self._power(high, level) < POWER:
            return None
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._power(middle, level) >= POWER else (middle, high)
        return high

    def _power(self, runs: int, level: float) -> float:
        from scipy.stats import f, ncf

        left = runs - 1 - self.freedom
        strength = runs * self.effect / (1 - self.effect) if self.effect < 1 else np.inf
        if left <= 0 or not np.isfinite(strength):
            return float(left > 0)
        needed = f.isf(level, self.freedom, left)
        return float(ncf.sf(needed, self.freedom, left, strength))
