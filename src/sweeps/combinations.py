"""Whether every run that a sweep can make is one that RunConfig takes, whatever is chosen."""

import math
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from src.config.fields import parse_value
from src.config.rules import Rule
from src.config.run_config import RunConfig, rules, with_own_defaults

Specs = Mapping[str, Mapping[str, Any]]  # of a sweep's parameters, by name


def fault_between(specs: Specs) -> str | None:
    """The first fault of a combination of values: ``--name: why``, or None.

    Args:
        specs: The parameters of a sweep, each of which has been checked by itself.
    """
    return next((fault for rule in rules() for fault in _faults(rule, specs)), None)


def _faults(rule: Rule, specs: Specs) -> Iterator[str]:
    """What a rule says of every combination of the values that it joins."""
    names = [name for name in rule.fields if name in specs]
    for chosen in product(*(_deciding_values(name, specs[name]) for name in names)):
        values = _defaults() | with_own_defaults(dict(zip(names, chosen, strict=True)))
        if names and (fault := rule.fault(values, specs)):
            yield fault


def _defaults() -> dict[str, Any]:
    return {name: field.default for name, field in RunConfig.model_fields.items()}


def _deciding_values(name: str, spec: Mapping[str, Any]) -> list[Any]:
    """The values of a parameter that a rule may tell apart: those listed, or a range's ends."""
    if "value" in spec:
        values = [spec["value"]]
    elif "values" in spec:
        values = spec["values"]
    elif "min" in spec and "max" in spec:
        values = _ends(spec)
    else:
        values = [RunConfig.model_fields[name].default]
    field = RunConfig.model_fields[name]
    return [parse_value(name, field, value) for value in values]


def _ends(spec: Mapping[str, Any]) -> list[float]:
    """The least and the greatest value of a range."""
    low, high = spec["min"], spec["max"]
    distribution = str(spec.get("distribution"))
    if "log" in distribution and not distribution.endswith("_values"):  # exponents of e
        sign = -1 if distribution.startswith("inv_") else 1
        low, high = math.exp(sign * low), math.exp(sign * high)
    return [round(low), round(high)] if "q" in spec else [low, high]
