"""The distributions that a sweep can name: the keys of each, and what is built from them.

They are those of W&B's documentation, with its defaults.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from src.sweep_language.distributions import (
    Beta,
    Choice,
    Log,
    Normal,
    Numeric,
    Parameter,
    Uniform,
    identity,
)
from src.sweep_language.errors import Path, SweepFault
from src.sweep_language.reading import is_number, number

Entry = dict[str, Any]


@dataclass(frozen=True)
class Distribution:
    """One of them.

    Attributes:
        needs: The keys that must be there.
        takes: Those that may be there.
        build: From an entry that has these keys, and its path, to the parameter. It raises
            SweepFault for values that the distribution does not have.
        grid: Whether ``method: grid`` can try all of its values.
    """

    needs: tuple[str, ...]
    takes: tuple[str, ...]
    build: Callable[[Entry, Path], Parameter]
    grid: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """All its keys."""
        return *self.needs, *self.takes


def _constant(entry: Entry, path: Path) -> Choice:
    return Choice((entry["value"],), (1.0,))


def _categorical(entry: Entry, path: Path) -> Choice:
    values = entry["values"]
    if not isinstance(values, list | tuple) or not values:
        raise SweepFault((*path, "values"), f"{values!r} is not a list; give at least one value")
    weights = entry.get("probabilities", [1.0] * len(values))
    if (
        not isinstance(weights, list | tuple)
        or len(weights) != len(values)
        or not all(is_number(weight) and weight >= 0 for weight in weights)
        or sum(weights) <= 0
    ):
        fault = "give one number >= 0 for each of the values"
        raise SweepFault((*path, "probabilities"), fault)
    # A value given twice is one value, twice as likely; one of probability 0 is no value at all.
    merged: dict[Any, tuple[Any, float]] = {}
    for value, weight in zip(values, weights, strict=True):
        first, before = merged.get(identity(value), (value, 0.0))
        merged[identity(value)] = (first, before + weight)
    kept = [(value, weight) for value, weight in merged.values() if weight > 0]
    return Choice(tuple(value for value, _ in kept), tuple(weight for _, weight in kept))


def _int_uniform(entry: Entry, path: Path) -> Numeric:
    low, high = _ends(entry, path)
    if not (isinstance(low, int) and isinstance(high, int)):
        raise SweepFault((*path, "min"), "int_uniform needs whole min and max; or use uniform")
    # Half a step more on both sides gives the end points the same share as the others.
    return Numeric(Uniform(low - 0.5, high + 0.5), low, high, 1)


def _uniform(entry: Entry, path: Path) -> Numeric:
    low, high = _ends(entry, path)
    return Numeric(Uniform(low, high), low, high)


def _log_uniform(entry: Entry, path: Path) -> Numeric:
    low, high = _ends(entry, path)
    return Numeric(Log(Uniform(low, high)), _exp(low, (*path, "min")), _exp(high, (*path, "max")))


def _inv_log_uniform(entry: Entry, path: Path) -> Numeric:
    low, high = _ends(entry, path)
    return Numeric(
        Log(Uniform(-high, -low)), _exp(-high, (*path, "max")), _exp(-low, (*path, "min"))
    )


def _log_uniform_values(entry: Entry, path: Path) -> Numeric:
    low, high = _ends(entry, path)
    if low <= 0:
        raise SweepFault((*path, "min"), f"{low} is not above 0, and its logarithm is needed")
    return Numeric(Log(Uniform(math.log(low), math.log(high))), low, high)


def _normal(entry: Entry, path: Path) -> Numeric:
    mu = number(entry, "mu", path, default=0.0)
    sigma = number(entry, "sigma", path, default=1.0)
    if sigma <= 0:
        raise SweepFault((*path, "sigma"), f"{sigma} is not above 0; for a constant use value")
    shape = Normal(mu, sigma)
    return Numeric(shape, shape.quantile(0), shape.quantile(1), bounded=False)


def _log_normal(entry: Entry, path: Path) -> Numeric:
    exponent = _normal(entry, path)
    high = _exp(exponent.high, (*path, "sigma"))
    return Numeric(Log(exponent.shape), 0.0, high, bounded=False)


def _beta(entry: Entry, path: Path, *, bounded: bool = False) -> Numeric:
    a, b = (number(entry, key, path, default=1.0) for key in ("a", "b"))
    for key, value in (("a", a), ("b", b)):
        if not 1e-3 <= value <= 1e6:  # beyond, its quantiles cannot be computed
            raise SweepFault((*path, key), f"{value} is not between 0.001 and 1000000")
    return Numeric(Beta(a, b), 0.0, 1.0, bounded=bounded)


def _quantized(continuous: Callable[[Entry, Path], Numeric]) -> Callable[[Entry, Path], Numeric]:
    """The multiples of ``q`` in a continuous distribution."""

    def build(entry: Entry, path: Path) -> Numeric:
        q = number(entry, "q", path, default=1)
        if q <= 0:
            raise SweepFault((*path, "q"), f"{q} is not above 0; it is the step between values")
        parameter = replace(continuous(entry, path), q=q)
        if not parameter.bounded:  # no ends to stay inside: round either way
            low, high = parameter.low - q / 2, parameter.high + q / 2
            parameter = replace(parameter, low=low, high=high)
        try:
            size = parameter.size or 0
        except OverflowError:
            raise SweepFault((*path, "q"), f"{q} is too small for so wide a range") from None
        if size < 1:
            raise SweepFault((*path, "q"), f"no multiple of {q} lies between min and max; lower q")
        return parameter

    return build


def _ends(entry: Entry, path: Path) -> tuple[float, float]:
    low, high = (number(entry, key, path) for key in ("min", "max"))
    if low >= high:
        fault = f"{low} is not below max {high}; for a constant use value"
        raise SweepFault((*path, "min"), fault)
    return low, high


def _exp(exponent: float, path: Path) -> float:
    try:
        return math.exp(exponent)
    except OverflowError:
        fault = "too large; it is an exponent: for plain values use log_uniform_values"
        raise SweepFault(path, fault) from None


_RANGE = ("min", "max")
_BELL = ("mu", "sigma")

# An inverse logarithm that is uniform is a logarithm that is: of plain values the two are the same.
DISTRIBUTIONS = {
    "constant": Distribution(("value",), (), _constant, grid=True),
    "categorical": Distribution(("values",), ("probabilities",), _categorical, grid=True),
    "categorical_w_probabilities": Distribution(("values", "probabilities"), (), _categorical),
    "int_uniform": Distribution(_RANGE, (), _int_uniform, grid=True),
    "uniform": Distribution(_RANGE, (), _uniform),
    "q_uniform": Distribution(_RANGE, ("q",), _quantized(_uniform), grid=True),
    "log_uniform": Distribution(_RANGE, (), _log_uniform),
    "q_log_uniform": Distribution(_RANGE, ("q",), _quantized(_log_uniform)),
    "inv_log_uniform": Distribution(_RANGE, (), _inv_log_uniform),
    "log_uniform_values": Distribution(_RANGE, (), _log_uniform_values),
    "q_log_uniform_values": Distribution(_RANGE, ("q",), _quantized(_log_uniform_values)),
    "inv_log_uniform_values": Distribution(_RANGE, (), _log_uniform_values),
    "normal": Distribution((), _BELL, _normal),
    "q_normal": Distribution((), (*_BELL, "q"), _quantized(_normal)),
    "log_normal": Distribution((), _BELL, _log_normal),
    "q_log_normal": Distribution((), (*_BELL, "q"), _quantized(_log_normal)),
    # The ends of a beta are never drawn; rounded draws are.
    "beta": Distribution((), ("a", "b"), _beta),
    "q_beta": Distribution((), ("a", "b", "q"), _quantized(partial(_beta, bounded=True))),
}


def implied(entry: Entry) -> str | None:
    """The distribution of an entry that names none, by its keys; None if they say none."""
    if "value" in entry:
        return "constant"
    if "values" in entry:
        return "categorical"
    if "min" in entry and "max" in entry:
        whole = all(type(entry[key]) is int for key in _RANGE)
        return "int_uniform" if whole else "uniform"
    return None
