"""The ``conditions`` of a sweep, a key of ours: parameters that only some choices read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from src.sweep_language.distributions import Choice, Parameter
from src.sweep_language.errors import Path, SweepFault


@dataclass(frozen=True)
class Condition:
    """A parameter is read only where the one at ``parent`` has one of ``values``."""

    parent: Path
    values: tuple[Any, ...]


def parse_conditions(config: Any, parameters: Mapping[Path, Parameter]) -> dict[Path, Condition]:
    """Read ``conditions: {momentum: {optimizer: [momentum, nag]}}``; names are of the top level.

    Raises:
        SweepFault: If one is malformed, or its names are not those of two parameters of which the
            second is a choice that is always read.
    """
    conditions: dict[Path, Condition] = {}
    if not isinstance(config, dict):
        raise SweepFault(("conditions",), f"{config!r} is not a mapping; write keys and values")
    for name, rule in config.items():
        path = ("conditions", str(name))
        if not isinstance(rule, dict) or len(rule) != 1:
            raise SweepFault(path, "give one parameter and the list of its values")
        ((parent, values),) = rule.items()
        inner = (*path, str(parent))
        if not isinstance(values, list):
            raise SweepFault(inner, f"{values!r} is not a list of values")
        for needed in (name, parent):
            if (needed,) not in parameters:
                raise SweepFault(path, f"{needed} is not among the parameters")
        if not isinstance(parameters[parent,], Choice) or parent in config:
            raise SweepFault(inner, "it must have values and no condition of its own")
        conditions[name,] = Condition((parent,), tuple(values))
    return conditions
