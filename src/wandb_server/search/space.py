"""The space of a sweep: the product of its parameters, less the parameters that are not read.

A parameter may be read only where another one has certain values: momentum by some optimizers, say.
Where it is not read it has its ``idle`` value, so that two configurations that would train the same
model are one point.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from src.sweep_language.conditions import Condition
from src.sweep_language.distributions import Key, Parameter
from src.sweep_language.errors import Path
from src.sweep_language.size import configurations, readers_of

Point = tuple[Key, ...]


class SearchSpace:
    """A point has one key for each parameter, in their order.

    ``size`` is the number of different points; None if there is no end of them.

    Args:
        parameters: By path, nested names as in the sweep's YAML.
        conditions: Of the parameters that are not always read.
    """

    def __init__(
        self, parameters: Mapping[Path, Parameter], conditions: Mapping[Path, Condition]
    ) -> None:
        self._paths = list(parameters)
        self.parameters = list(parameters.values())
        self._idle = [parameter.draw(0.5) for parameter in self.parameters]
        self._rules = {
            self._paths.index(path): (
                self._paths.index(condition.parent),
                readers_of(parameters, condition),
            )
            for path, condition in conditions.items()
        }
        self.size = configurations(parameters, conditions)

    def is_active(self, place: int, keys: Mapping[int, Key] | Point) -> bool:
        """Whether the parameter at a place is read, given the keys of those it depends on."""
        if place not in self._rules:
            return True
        parent, values = self._rules[place]
        return keys[parent] in values

    @property
    def conditional(self) -> list[int]:
        """The places of the parameters that are not always read."""
        return list(self._rules)

    def settled(self, keys: Mapping[int, Key] | Point) -> Point:
        """The point with these keys, idle where they are not read."""
        return tuple(
            keys[place] if self.is_active(place, keys) else idle
            for place, idle in enumerate(self._idle)
        )

    def locate(self, params: Mapping[str, Any]) -> Point | None:
        """The point of a nested configuration; None if it is not in the space."""
        keys = []
        for path, parameter in zip(self._paths, self.parameters, strict=True):
            value: Any = params
            for name in path:
                if not isinstance(value, Mapping) or name not in value:
                    return None
                value = value[name]
            key = parameter.key(value)
            if key is None:
                return None
            keys.append(key)
        return self.settled(tuple(keys))

    def params(self, point: Point) -> dict[str, Any]:
        """The nested configuration of a point."""
        params: dict[str, Any] = {}
        for path, parameter, key in zip(self._paths, self.parameters, point, strict=True):
            node = params
            for name in path[:-1]:
                node = node.setdefault(name, {})
            node[path[-1]] = parameter.value(key)
        return params

    def draw(self, rng: np.random.Generator) -> Point:
        """A point drawn from the distributions of the parameters."""
        return self.settled(tuple(parameter.draw(rng.random()) for parameter in self.parameters))

    def first_untried(self, start: int, tried: Collection[Point]) -> Point:
        """Of a finite space, the first point from place ``start`` (modulo its size) not tried.

        The last parameter changes fastest.
        """
        if self.size is None:
            raise ValueError("parameters: their values are too close together to be told apart")
        index = start
        while (point := self._nth(index)) in tried:
            index += 1
        return point

    def _nth(self, index: int) -> Point:
        keys: list[Key] = []
        for parameter in reversed(self.parameters):
            index, key = divmod(index, parameter.size or 1)
            keys.append(key)
        return self.settled(tuple(reversed(keys)))


def crossed(
    space: SearchSpace, origin: Point, other: Point, changes: int, rng: np.random.Generator
) -> Point:
    """``origin`` with the keys of ``other`` at so many places, chosen at random."""
    places: Sequence[int] = rng.choice(len(origin), size=changes, replace=False).tolist()
    return space.settled(
        tuple(other[place] if place in places else key for place, key in enumerate(origin))
    )
