"""Whether the runs that a sweep can make are ones that RunConfig takes, whatever is chosen."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from src.config.fields import parse_value
from src.config.rules import Rule, RuleFault
from src.config.run_config import DECIDES_DEFAULTS, RunConfig, rules, with_own_defaults
from src.sweep_language.distributions import Parameter

Parameters = Mapping[str, Parameter]


def fault_between(parameters: Parameters) -> RuleFault | None:
    """The first fault of a combination of listed values and of the ends of ranges, or None.

    Args:
        parameters: Those of a sweep by name, each of which has been checked by itself.
    """
    return next((fault for rule in rules() for fault in _faults(rule, parameters)), None)


def _faults(rule: Rule, parameters: Parameters) -> Iterator[RuleFault]:
    """What a rule says of every combination of the values that it joins, defaults included."""
    deciding = dict.fromkeys((*rule.fields, *DECIDES_DEFAULTS))
    names = [name for name in deciding if name in parameters]
    for chosen in product(*(_deciding_values(name, parameters[name]) for name in names)):
        values = with_own_defaults(dict(zip(names, chosen, strict=True)))
        if names and (fault := rule.fault(_defaults() | values, {*parameters, *values})):
            yield fault


def _defaults() -> dict[str, Any]:
    return {name: field.default for name, field in RunConfig.model_fields.items()}


def _deciding_values(name: str, parameter: Parameter) -> list[Any]:
    """The values of a parameter that a rule may tell apart, as RunConfig has them."""
    field = RunConfig.model_fields[name]
    return [parse_value(name, field, value) for value in parameter.representatives()]
