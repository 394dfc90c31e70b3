"""The parameters of a search space: which values each may take, and how likely each value is.

Numeric parameters are searched by their quantile, a number in [0, 1]: a draw is uniform there, and
a model of good regions needs no scaling, whatever the distribution is.
"""

import math
from bisect import bisect_right
from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import accumulate
from statistics import NormalDist
from typing import Any, Protocol

# The smallest step below 1 that a uniform draw can take: no draw of a normal lies beyond 8.2 sigma.
_EPSILON = 2.0**-53

Key = int | float


class Shape(Protocol):
    """A continuous probability distribution."""

    def quantile(self, u: float) -> float:
        """The value below which a share ``u`` of the draws lies."""

    def cdf(self, x: float) -> float:
        """The share of the draws below ``x``: the inverse of :meth:`quantile`."""


@dataclass(frozen=True)
class Uniform:
    """Every value from ``low`` to ``high`` is equally likely."""

    low: float
    high: float

    def quantile(self, u: float) -> float:
        """See :class:`Shape`."""
        return self.low + u * (self.high - self.low)

    def cdf(self, x: float) -> float:
        """See :class:`Shape`."""
        return (x - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Normal:
    """The Gaussian of mean ``mu`` and standard deviation ``sigma``."""

    mu: float
    sigma: float

    def quantile(self, u: float) -> float:
        """See :class:`Shape`."""
        return NormalDist(self.mu, self.sigma).inv_cdf(_inner(u))

    def cdf(self, x: float) -> float:
        """See :class:`Shape`."""
        return NormalDist(self.mu, self.sigma).cdf(x)


@dataclass(frozen=True)
class Beta:
    """The beta distribution on [0, 1]. SciPy takes long to import, and few sweeps need it."""

    a: float
    b: float

    def quantile(self, u: float) -> float:
        """See :class:`Shape`."""
        from scipy.special import betaincinv

        return float(betaincinv(self.a, self.b, _inner(u)))

    def cdf(self, x: float) -> float:
        """See :class:`Shape`."""
        from scipy.special import betainc

        return float(betainc(self.a, self.b, x))


def _inner(u: float) -> float:
    """``u`` moved off 0 and 1, where the inverses above are infinite or lose all precision."""
    return min(max(u, _EPSILON), 1 - _EPSILON)


@dataclass(frozen=True)
class Log:
    """A positive value whose natural logarithm follows ``exponent``."""

    exponent: Shape

    def quantile(self, u: float) -> float:
        """See :class:`Shape`."""
        return math.exp(self.exponent.quantile(u))

    def cdf(self, x: float) -> float:
        """See :class:`Shape`."""
        return self.exponent.cdf(math.log(x)) if x > 0 else 0.0


@dataclass(frozen=True)
class Choice:
    """One of a list of different values of any type; a constant is a choice of one."""

    values: tuple[Any, ...]
    weights: tuple[float, ...]

    @property
    def size(self) -> int:
        """How many different values there are."""
        return len(self.values)

    def representatives(self) -> list[Any]:
        """The values that stand for all in a check: all of them."""
        return list(self.values)

    def draw(self, u: float) -> Key:
        """The key of the value at quantile ``u``."""
        return min(bisect_right(self._cumulative, u * self._cumulative[-1]), self.size - 1)

    def key(self, value: Any) -> Key | None:
        """The value's place in the list, or None if it is not in it."""
        return self._places.get(identity(value))

    def value(self, key: Key) -> Any:
        """The value that a key stands for."""
        return self.values[int(key)]

    @cached_property
    def _cumulative(self) -> list[float]:
        return list(accumulate(self.weights))

    @cached_property
    def _places(self) -> dict[Hashable, int]:
        return {identity(value): place for place, value in enumerate(self.values)}


@dataclass(frozen=True)
class Numeric:
    """A number from ``low`` to ``high``; with ``q``, a multiple of ``q`` (an int if ``q`` is one).

    Unless it is ``bounded``, ``low`` and ``high`` are only where no draw has ever been.

    W&B documents quantized values as ``round(X / q) * q``, which can leave [low, high] by up to
    q / 2; here such a value becomes the nearest multiple inside.
    """

    shape: Shape
    low: float
    high: float
    q: float | None = None
    bounded: bool = True

    @property
    def size(self) -> int | None:
        """How many different values there are; None if they are continuous."""
        first, last = self._multiples
        return None if self.q is None else last - first + 1

    def representatives(self) -> list[float]:
        """The values that stand for all in a check: both ends or, if it has none, the middle."""
        if not self.bounded:
            return [self.value(self.draw(0.5))]
        return (
            [self.low, self.high]
            if self.q is None
            else [self.value(0), self.value((self.size or 1) - 1)]
        )

    def draw(self, u: float) -> Key:
        """The key of the value at quantile ``u``."""
        x = self.shape.quantile(u)
        if self.q is None:
            return min(max(x, self.low), self.high)
        first, last = self._multiples
        return min(max(round(x / self.q), first), last) - first

    def key(self, value: Any) -> Key | None:
        """Of a quantized value its place among the multiples, else the value; None if outside."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not self.low <= value <= self.high:  # NaN too is outside
            return None
        if self.q is None:
            return float(value)
        multiple = round(value / self.q)
        close = math.isclose(value, multiple * self.q, rel_tol=1e-9, abs_tol=1e-9 * self.q)
        return multiple - self._multiples[0] if close else None

    def value(self, key: Key) -> float:
        """The value that a key stands for."""
        if self.q is None:
            return key
        multiple = self._multiples[0] + int(key)
        if isinstance(self.q, int):
            return multiple * self.q
        return float(multiple * Decimal(repr(self.q)))  # 3 * 0.1 is 0.3

    def quantile(self, key: Key) -> float:
        """The share of draws below the value that a key stands for, in [0, 1]."""
        return min(max(self.shape.cdf(self.value(key)), 0.0), 1.0)

    @cached_property
    def _multiples(self) -> tuple[int, int]:
        if self.q is None:
            return 0, 0
        # The margin is for bounds that are multiples but for rounding, such as 0.3 / 0.1.
        return math.ceil(self.low / self.q - 1e-9), math.floor(self.high / self.q + 1e-9)


Parameter = Choice | Numeric


def identity(value: Any) -> Hashable:
    """What makes two values of a choice the same: 1 and 1.0 are, 1 and True are not."""
    if isinstance(value, bool):
        return bool, value
    if isinstance(value, list | tuple):
        return list, tuple(identity(item) for item in value)
    if isinstance(value, dict):
        return dict, frozenset((str(name), identity(item)) for name, item in value.items())
    if isinstance(value, Hashable):
        return value
    return repr(value)
