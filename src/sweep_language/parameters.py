"""The ``parameters`` of a sweep, nested or not: from the names of distributions to values."""

import math
import re
from typing import Any

from src.sweep_language.distributions import (
    Beta,
    Choice,
    Log,
    Normal,
    Numeric,
    Parameter,
    Shape,
    Uniform,
    identity,
)
from src.sweep_language.errors import Path, SweepFault
from src.sweep_language.reading import check_mapping, hint, is_number, number

# The keys of each distribution; which of them must be there is for its reader to say.
_KEYS: dict[str, tuple[str, ...]] = {
    "constant": ("value",),
    "categorical": ("values", "probabilities"),
    "categorical_w_probabilities": ("values", "probabilities"),
    "int_uniform": ("min", "max"),
    "uniform": ("min", "max"),
    "q_uniform": ("min", "max", "q"),
    "log_uniform": ("min", "max"),
    "q_log_uniform": ("min", "max", "q"),
    "inv_log_uniform": ("min", "max"),
    "log_uniform_values": ("min", "max"),
    "q_log_uniform_values": ("min", "max", "q"),
    "inv_log_uniform_values": ("min", "max"),
    "normal": ("mu", "sigma"),
    "q_normal": ("mu", "sigma", "q"),
    "log_normal": ("mu", "sigma"),
    "q_log_normal": ("mu", "sigma", "q"),
    "beta": ("a", "b"),
    "q_beta": ("a", "b", "q"),
}
_ALL_KEYS = ("distribution", *dict.fromkeys(key for keys in _KEYS.values() for key in keys))
_GRID = ("constant", "categorical", "int_uniform", "q_uniform")


def parse_parameters(
    config: Any, *, grid: bool, path: Path = ("parameters",)
) -> dict[Path, Parameter]:
    """Read a mapping of parameters, each of which may be a mapping of further ones.

    Args:
        config: The mapping.
        grid: Whether every value will be tried, so that there must be an end of them.
        path: Of the mapping.

    Returns:
        The parameters by their names, from the outermost to their own.

    Raises:
        SweepFault: If one cannot be.
    """
    if not isinstance(config, dict) or not config:
        raise SweepFault(path, "missing or empty; name at least one parameter to search")
    parameters: dict[Path, Parameter] = {}
    for name, entry in config.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
            fault = f"{name!r} is not a name; use letters, digits, _ . and -"
            raise SweepFault(path, fault, key=str(name))
        inner = (*path, name)
        if not isinstance(entry, dict):
            raise SweepFault(inner, f"{entry!r} is not a mapping; write {{value: {entry!r}}}")
        if "parameters" in entry:
            check_mapping(entry, inner, ("parameters",))
            inside = (*inner, "parameters")
            nested = parse_parameters(entry["parameters"], grid=grid, path=inside)
            parameters |= {(name, *names): one for names, one in nested.items()}
        else:
            parameters[name,] = _parameter(entry, inner, grid=grid)
    return parameters


def _parameter(config: dict[str, Any], path: Path, *, grid: bool) -> Parameter:
    check_mapping(config, path, _ALL_KEYS)
    distribution = config.get("distribution") or _implied(config, path)
    if not isinstance(distribution, str) or distribution not in _KEYS:
        fault = f"{distribution!r} is unknown{hint(distribution, _KEYS)}"
        raise SweepFault((*path, "distribution"), fault)
    check_mapping(config, path, ("distribution", *_KEYS[distribution]))
    if grid and (distribution not in _GRID or "probabilities" in config):
        kind = "probabilities" if "probabilities" in config else distribution
        raise SweepFault(
            path,
            f"{kind} cannot be searched by method: grid; "
            "use values, int_uniform or q_uniform, or method: random",
        )
    if distribution == "constant":
        if "value" not in config:
            raise SweepFault((*path, "value"), "missing; give the constant")
        return Choice((config["value"],), (1.0,))
    if distribution.startswith("categorical"):
        return _choice(config, path, weighted=distribution != "categorical")
    return _numeric(distribution, config, path)


def _implied(config: dict[str, Any], path: Path) -> str:
    """The distribution that the keys alone say."""
    if "value" in config:
        return "constant"
    if "values" in config:
        return "categorical"
    if "min" in config and "max" in config:
        whole = all(type(config[key]) is int for key in ("min", "max"))
        return "int_uniform" if whole else "uniform"
    raise SweepFault(
        path, "says nothing to search; give value, values, min and max, or distribution"
    )


def _choice(config: dict[str, Any], path: Path, *, weighted: bool) -> Choice:
    values = config.get("values")
    if not isinstance(values, list | tuple) or not values:
        raise SweepFault((*path, "values"), f"{values!r} is not a list; give at least one value")
    weights = config.get("probabilities", None if weighted else [1.0] * len(values))
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


def _numeric(distribution: str, config: dict[str, Any], path: Path) -> Numeric:
    q = number(config, "q", path, default=1) if distribution.startswith("q_") else None
    if q is not None and q <= 0:
        raise SweepFault((*path, "q"), f"{q} is not above 0; it is the step between values")
    try:
        parameter = _build(distribution, config, path, q)
        size = parameter.size
    except OverflowError:
        culprit = "max" if "max" in config else "sigma"
        cure = "; it is an exponent: for plain values use log_uniform_values"
        fault = f"too large{cure if 'log' in distribution else ''}"
        raise SweepFault((*path, culprit), fault) from None
    if size is not None and size < 1:
        fault = f"no multiple of {q} lies between min and max; lower q"
        raise SweepFault((*path, "q"), fault)
    return parameter


def _build(distribution: str, config: dict[str, Any], path: Path, q: float | None) -> Numeric:
    if distribution == "int_uniform":
        low, high = _bounds(config, path, whole=True)
        # Half a step more on both sides gives the end points the same share as the others.
        return Numeric(Uniform(low - 0.5, high + 0.5), low, high, 1)
    family = distribution.removeprefix("q_")
    if "min" in _KEYS[distribution]:
        return Numeric(*_bounded(family, config, path), q)
    if family == "beta":
        return Numeric(_beta(config, path), 0.0, 1.0, q, bounded=q is not None)
    shape, low, high = _unbounded(family, config, path)
    if q is not None:  # no bounds to stay inside: round either way
        low, high = low - q / 2, high + q / 2
    return Numeric(shape, low, high, q, bounded=False)


def _bounded(family: str, config: dict[str, Any], path: Path) -> tuple[Shape, float, float]:
    low, high = _bounds(config, path)
    if family == "uniform":
        return Uniform(low, high), low, high
    if family.endswith("_values"):  # log(1/X) uniform is log(X) uniform
        if low <= 0:
            fault = f"{low} is not above 0, and {family} needs its logarithm"
            raise SweepFault((*path, "min"), fault)
        return Log(Uniform(math.log(low), math.log(high))), low, high
    if family.startswith("inv_"):
        low, high = -high, -low
    return Log(Uniform(low, high)), math.exp(low), math.exp(high)


def _beta(config: dict[str, Any], path: Path) -> Beta:
    a, b = (number(config, key, path, default=1.0) for key in ("a", "b"))
    for key, shape in (("a", a), ("b", b)):
        if not 1e-3 <= shape <= 1e6:  # beyond, its quantiles cannot be computed
            raise SweepFault((*path, key), f"{shape} is not between 0.001 and 1000000")
    return Beta(a, b)


def _unbounded(family: str, config: dict[str, Any], path: Path) -> tuple[Shape, float, float]:
    mu = number(config, "mu", path, default=0.0)
    sigma = number(config, "sigma", path, default=1.0)
    if sigma <= 0:
        raise SweepFault((*path, "sigma"), f"{sigma} is not above 0; for a constant use value")
    normal = Normal(mu, sigma)
    low, high = normal.quantile(0), normal.quantile(1)
    return (normal, low, high) if family == "normal" else (Log(normal), 0.0, math.exp(high))


def _bounds(config: dict[str, Any], path: Path, *, whole: bool = False) -> tuple[float, float]:
    low, high = (number(config, key, path) for key in ("min", "max"))
    if whole and not (isinstance(low, int) and isinstance(high, int)):
        raise SweepFault((*path, "min"), "int_uniform needs whole min and max; or use uniform")
    if low >= high:
        fault = f"{low} is not below max {high}; for a constant use value"
        raise SweepFault((*path, "min"), fault)
    return low, high
