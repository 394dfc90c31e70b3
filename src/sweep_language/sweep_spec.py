"""A W&B sweep configuration, checked and parsed.

The keys and distributions are those of W&B's documentation, and two of our own at the top level:
``seed`` makes the suggestions of a sweep repeatable, and ``conditions`` says which parameters are
read only where another has certain values.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

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
from src.sweep_language.values import (
    check_mapping,
    hint,
    is_number,
    number,
    one_of,
    whole_number,
)
from src.wandb_server.search.early_termination import Goal, Hyperband, brackets
from src.wandb_server.search.space import Condition, Path, parse_conditions

Method = Literal["bayes", "random", "grid"]

_TOP_LEVEL = (
    *("method", "parameters", "metric", "early_terminate", "run_cap", "seed", "conditions"),
    # Read by the agent or the dashboard, not by the search.
    *("program", "command", "name", "description", "project", "entity", "controller", "settings"),
    *("apiVersion", "kind", "job", "image_uri"),
)
_METRIC = ("name", "goal", "target", "impute", "impute_while_running")
_EARLY_TERMINATE = ("type", "min_iter", "max_iter", "s", "eta", "strict")
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
_METHODS: tuple[Method, ...] = ("bayes", "random", "grid")
_GOALS: tuple[Goal, ...] = ("minimize", "maximize")
_GRID = ("constant", "categorical", "int_uniform", "q_uniform")


@dataclass(frozen=True)
class SweepSpec:
    """What a sweep searches and how. ``parameters`` maps a path (nested names) to its values."""

    method: Method
    metric_name: str | None
    goal: Goal
    target: float | None
    run_cap: int | None
    early_terminate: Hyperband | None
    seed: int | None
    parameters: Mapping[Path, Parameter]
    conditions: Mapping[Path, Condition]


def parse_sweep(config: dict[str, Any]) -> SweepSpec:
    """Check a sweep configuration, as read from YAML or JSON.

    Raises:
        ValueError: with one line that names the key and the cure.
    """
    check_mapping(config, "the sweep", _TOP_LEVEL)
    method = one_of(config, "method", _METHODS, "")
    name, goal, target = _metric(config.get("metric"))
    early_terminate = _hyperband(config.get("early_terminate"))
    if name is None and (method == "bayes" or early_terminate is not None):
        reader = "method: bayes" if method == "bayes" else "early_terminate"
        raise ValueError(f"metric: missing, and {reader} needs it; give metric a name and a goal")
    parameters = _parameters(config.get("parameters"), (), grid=method == "grid")
    return SweepSpec(
        method=method,
        metric_name=name,
        goal=goal,
        target=target,
        run_cap=whole_number(config, "run_cap", "", least=1),
        early_terminate=early_terminate,
        seed=whole_number(config, "seed", "", least=0),
        parameters=parameters,
        conditions=parse_conditions(config.get("conditions", {}), parameters),
    )


def _metric(metric: Any) -> tuple[str | None, Goal, float | None]:
    if metric is None:
        return None, "minimize", None
    check_mapping(metric, "metric", _METRIC)
    name = metric.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError("metric.name: missing; give the name that the training script logs")
    metric = {"goal": "minimize", "impute": "worst", "impute_while_running": "false", **metric}
    goal: Goal = one_of(metric, "goal", _GOALS, "metric.")
    # Only W&B's defaults of these: a failed run counts as worst, a running one has no value yet.
    one_of(metric, "impute", ("worst",), "metric.")
    one_of(metric, "impute_while_running", ("false", False), "metric.")
    target = number(metric, "target", "metric.") if "target" in metric else None
    return name, goal, target


def _hyperband(config: Any) -> Hyperband | None:
    if config is None:
        return None
    where = "early_terminate."
    check_mapping(config, "early_terminate", _EARLY_TERMINATE)
    one_of(config, "type", ("hyperband",), where)
    eta = number(config, "eta", where, default=3.0)
    if eta <= 1:
        raise ValueError(f"early_terminate.eta: {eta} is not above 1; 3 is usual")
    strict = config.get("strict", False)
    if not isinstance(strict, bool):
        raise ValueError(f"early_terminate.strict: {strict!r} is not true or false")
    min_iter, max_iter, s = (
        whole_number(config, key, where, least=1) for key in ("min_iter", "max_iter", "s")
    )
    settings = Hyperband(min_iter, max_iter, s, float(eta), strict)
    if not brackets(settings):
        raise ValueError("early_terminate.max_iter: below eta leaves no bracket; raise max_iter")
    return settings


def _parameters(config: Any, path: Path, *, grid: bool) -> dict[Path, Parameter]:
    where = ".".join(("parameters", *path))
    if not isinstance(config, dict) or not config:
        raise ValueError(f"{where}: missing or empty; name at least one parameter to search")
    parameters: dict[Path, Parameter] = {}
    for name, entry in config.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
            raise ValueError(f"{where}: {name!r} is not a name; use letters, digits, _ . and -")
        if not isinstance(entry, dict):
            raise ValueError(
                f"{where}.{name}: {entry!r} is not a mapping; write {{value: {entry!r}}}"
            )
        if "parameters" in entry:
            check_mapping(entry, f"{where}.{name}", ("parameters",))
            parameters |= _parameters(entry["parameters"], (*path, name), grid=grid)
        else:
            parameters[*path, name] = _parameter(entry, f"{where}.{name}", grid=grid)
    return parameters


def _parameter(config: dict[str, Any], where: str, *, grid: bool) -> Parameter:
    distribution = config.get("distribution") or _implied(config, where)
    if not isinstance(distribution, str) or distribution not in _KEYS:
        raise ValueError(
            f"{where}.distribution: {distribution!r} is unknown{hint(distribution, _KEYS)}"
        )
    check_mapping(config, where, ("distribution", *_KEYS[distribution]))
    if grid and (distribution not in _GRID or "probabilities" in config):
        kind = "probabilities" if "probabilities" in config else distribution
        raise ValueError(
            f"{where}: {kind} cannot be searched by method: grid; "
            "use values, int_uniform or q_uniform, or method: random"
        )
    if distribution == "constant":
        if "value" not in config:
            raise ValueError(f"{where}.value: missing; give the constant")
        return Choice((config["value"],), (1.0,))
    if distribution.startswith("categorical"):
        return _choice(config, where, weighted=distribution != "categorical")
    return _numeric(distribution, config, where)


def _implied(config: dict[str, Any], where: str) -> str:
    if "value" in config:
        return "constant"
    if "values" in config:
        return "categorical"
    if "min" in config and "max" in config:
        whole = all(type(config[key]) is int for key in ("min", "max"))
        return "int_uniform" if whole else "uniform"
    raise ValueError(
        f"{where}: says nothing to search; give value, values, min and max, or distribution"
    )


def _choice(config: dict[str, Any], where: str, *, weighted: bool) -> Choice:
    values = config.get("values")
    if not isinstance(values, list | tuple) or not values:
        raise ValueError(f"{where}.values: {values!r} is not a list; give at least one value")
    weights = config.get("probabilities", None if weighted else [1.0] * len(values))
    if (
        not isinstance(weights, list | tuple)
        or len(weights) != len(values)
        or not all(is_number(weight) and weight >= 0 for weight in weights)
        or sum(weights) <= 0
    ):
        raise ValueError(f"{where}.probabilities: give one number >= 0 for each of the values")
    # A value given twice is one value, twice as likely; one of probability 0 is no value at all.
    merged: dict[Any, tuple[Any, float]] = {}
    for value, weight in zip(values, weights, strict=True):
        first, before = merged.get(identity(value), (value, 0.0))
        merged[identity(value)] = (first, before + weight)
    kept = [(value, weight) for value, weight in merged.values() if weight > 0]
    return Choice(tuple(value for value, _ in kept), tuple(weight for _, weight in kept))


def _numeric(distribution: str, config: dict[str, Any], where: str) -> Numeric:
    where += "."
    q = number(config, "q", where, default=1) if distribution.startswith("q_") else None
    if q is not None and q <= 0:
        raise ValueError(f"{where}q: {q} is not above 0; it is the step between values")
    try:
        parameter = _build(distribution, config, where, q)
        size = parameter.size
    except OverflowError:
        culprit = "max" if "max" in config else "sigma"
        cure = "; it is an exponent: for plain values use log_uniform_values"
        raise ValueError(
            f"{where}{culprit}: too large{cure if 'log' in distribution else ''}"
        ) from None
    if size is not None and size < 1:
        raise ValueError(f"{where}q: no multiple of {q} lies between min and max; lower q")
    return parameter


def _build(distribution: str, config: dict[str, Any], where: str, q: float | None) -> Numeric:
    if distribution == "int_uniform":
        low, high = _bounds(config, where, whole=True)
        # Half a step more on both sides gives the end points the same share as the others.
        return Numeric(Uniform(low - 0.5, high + 0.5), low, high, 1)
    family = distribution.removeprefix("q_")
    if "min" in _KEYS[distribution]:
        return Numeric(*_bounded(family, config, where), q)
    shape, low, high = _unbounded(family, config, where)
    if q is not None and family != "beta":  # no bounds to stay inside: round either way
        low, high = low - q / 2, high + q / 2
    return Numeric(shape, low, high, q)


def _bounded(family: str, config: dict[str, Any], where: str) -> tuple[Shape, float, float]:
    low, high = _bounds(config, where)
    if family == "uniform":
        return Uniform(low, high), low, high
    if family.endswith("_values"):  # log(1/X) uniform is log(X) uniform
        if low <= 0:
            raise ValueError(f"{where}min: {low} is not above 0, and {family} needs its logarithm")
        return Log(Uniform(math.log(low), math.log(high))), low, high
    if family.startswith("inv_"):
        low, high = -high, -low
    return Log(Uniform(low, high)), math.exp(low), math.exp(high)


def _unbounded(family: str, config: dict[str, Any], where: str) -> tuple[Shape, float, float]:
    if family == "beta":
        a, b = (number(config, key, where, default=1.0) for key in ("a", "b"))
        for key, shape in (("a", a), ("b", b)):
            if not 1e-3 <= shape <= 1e6:  # beyond, its quantiles cannot be computed
                raise ValueError(f"{where}{key}: {shape} is not between 0.001 and 1000000")
        return Beta(a, b), 0.0, 1.0
    mu = number(config, "mu", where, default=0.0)
    sigma = number(config, "sigma", where, default=1.0)
    if sigma <= 0:
        raise ValueError(f"{where}sigma: {sigma} is not above 0; for a constant use value")
    normal = Normal(mu, sigma)
    low, high = normal.quantile(0), normal.quantile(1)
    return (normal, low, high) if family == "normal" else (Log(normal), 0.0, math.exp(high))


def _bounds(config: dict[str, Any], where: str, *, whole: bool = False) -> tuple[float, float]:
    low, high = (number(config, key, where) for key in ("min", "max"))
    if whole and not (isinstance(low, int) and isinstance(high, int)):
        raise ValueError(f"{where}min: int_uniform needs whole min and max; or use uniform")
    if low >= high:
        raise ValueError(f"{where}min: {low} is not below max {high}; for a constant use value")
    return low, high
