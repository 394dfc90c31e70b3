"""Whether every run that a sweep can make is one that RunConfig takes, whatever is chosen."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from src.config.fields import parse_value
from src.config.rules import Rule
from src.config.run_config import RunConfig, rules, with_own_defaults
from src.sweep_language.distributions import Parameter

Parameters = Mapping[str, Parameter]


def fault_between(parameters: Parameters) -> str | None:
    """The first fault of a combination of values: ``--name: why``, or None.

    Args:
        parameters: Those of a sweep by name, each of which has been checked by itself.
    """
    return next((fault for rule in rules() for fault in _faults(rule, parameters)), None)


def _faults(rule: Rule, parameters: Parameters) -> Iterator[str]:
    """What a rule says of every combination of the values that it joins."""
    names = [name for name in rule.fields if name in parameters]
    for chosen in product(*(_deciding_values(name, parameters[name]) for name in names)):
        values = _defaults() | with_own_defaults(dict(zip(names, chosen, strict=True)))
        if names and (fault := rule.fault(values, parameters)):
            yield fault


def _defaults() -> dict[str, Any]:
    return {name: field.default for name, field in RunConfig.model_fields.items()}


def _deciding_values(name: str, parameter: Parameter) -> list[Any]:
    """The values of a parameter that a rule may tell apart, as RunConfig has them."""
    field = RunConfig.model_fields[name]
    return [parse_value(name, field, value) for value in parameter.representatives()]
