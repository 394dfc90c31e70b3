"""How many different configurations a sweep has."""

import math
from collections.abc import Mapping
from itertools import product

from src.sweep_language.conditions import Condition
from src.sweep_language.distributions import Key, Parameter
from src.sweep_language.errors import Path


def configurations(
    parameters: Mapping[Path, Parameter], conditions: Mapping[Path, Condition]
) -> int | None:
    """Their number; None if there is no end of them.

    Those that differ only in a parameter that is not read are one.
    """
    sizes = {path: parameter.size for path, parameter in parameters.items()}
    if None in sizes.values():
        return None
    readers = {path: readers_of(parameters, condition) for path, condition in conditions.items()}
    parents = sorted({condition.parent for condition in conditions.values()})
    total = 0
    for keys in product(*(range(sizes[parent] or 0) for parent in parents)):
        chosen = dict(zip(parents, keys, strict=True))
        total += math.prod(
            size or 0
            for path, size in sizes.items()
            if path not in chosen
            and (path not in conditions or chosen[conditions[path].parent] in readers[path])
        )
    return total


def readers_of(parameters: Mapping[Path, Parameter], condition: Condition) -> frozenset[Key | None]:
    """The keys of a condition's choice with which the parameter is read."""
    return frozenset(map(parameters[condition.parent].key, condition.values))
