"""The hyperparameters that vary over the runs of a sweep, as numbers for statistics.

One that a sweep searches as a range is a number on the scale of the search. Any other is a choice,
numbers in a list too: the best one may well lie between worse ones. Runs that do not have it, as
``momentum`` where the optimizer has none, say nothing about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from src.wandb_server.metric import as_number

Array = NDArray[np.float64]
Scale = Literal["linear", "logarithmic"]
Trial = tuple[Mapping[str, Any], float]

LARGEST = 1e38  # trees reckon with floats of 32 bits
MOST_VALUES = 50  # of a choice that are told apart; the rarest count as one, as each takes time
_PER_VALUE = 3  # fewer runs of each number of a list than that, on average, make it a range
_DECADE = 10.0  # a list of numbers is taken logarithmically if it spans that


@dataclass(frozen=True)
class Factor:
    """A hyperparameter of which runs have different values.

    Attributes:
        name: Its flat name.
        values: Of the runs that have it.
        present: Which runs those are, by their places.
        runs: How many runs there are.
        plain: The values as numbers; None unless all are.
        scale: How the numbers are searched; None for a choice.
    """

    name: str
    values: tuple[Any, ...]
    present: NDArray[np.intp]
    runs: int
    plain: Array | None
    scale: Scale | None

    @property
    def numbers(self) -> Array | None:
        """The values on the scale of the search; None for a choice."""
        if self.scale is None or self.plain is None:
            return None
        numbers: Array = np.log(self.plain) if self.scale == "logarithmic" else self.plain
        return numbers

    def codes(self) -> NDArray[np.intp]:
        """The number of each value among the different ones."""
        keys = list(map(_key, self.values))
        places = {key: i for i, key in enumerate(dict.fromkeys(keys))}
        return np.array([places[key] for key in keys])

    def design(self) -> Array:
        """Columns whose linear combinations are the effects looked for, of the runs that have it.

        A choice's value may have any mean. A number's effect is a parabola: up, down, or best
        inside.
        """
        numbers = self.numbers
        if numbers is None:
            return self._one_hot()
        centred = numbers - numbers.mean()
        scaled = centred / np.abs(centred).max()
        return np.stack([scaled, scaled * scaled], axis=1)

    def columns(self) -> Array:
        """What a tree may split by, a row a run."""
        return self._of_all_runs(self.numbers)

    def plain_columns(self) -> Array:
        """The same with every number as it is, one of a list, too."""
        return self._of_all_runs(self.plain)

    def _of_all_runs(self, numbers: Array | None) -> Array:
        own = self._one_hot() if numbers is None else numbers[:, None]
        # A run without it has what says least.
        found = np.full((self.runs, own.shape[1]), 0.0 if numbers is None else np.median(numbers))
        found[self.present] = own
        return found

    def _one_hot(self) -> Array:
        codes = self.codes()
        if codes.max() >= MOST_VALUES:
            often = np.argsort(-np.bincount(codes), kind="stable")
            codes = np.minimum(np.argsort(often)[codes], MOST_VALUES - 1)
        found: Array = (codes[:, None] == np.arange(codes.max() + 1)).astype(np.float64)
        return found


def factors(trials: Sequence[Trial], scales: Mapping[str, Scale]) -> list[Factor]:
    """The hyperparameters that vary, by name.

    Args:
        trials: Hyperparameters by flat name, and result, of each run.
        scales: How those are searched that are ranges.
    """
    found = []
    for name in sorted({name for params, _ in trials for name in params}):
        having = [(i, params[name]) for i, (params, _) in enumerate(trials) if name in params]
        values = tuple(value for _, value in having)
        different = len(set(map(_key, values)))
        if different > 1:
            present = np.array([i for i, _ in having])
            plain = _plain(values)
            crowded = len(values) >= _PER_VALUE * different
            scale = None if name not in scales and crowded else _scale(plain, scales.get(name))
            found.append(Factor(name, values, present, len(trials), plain, scale))
    return found


def _key(value: Any) -> tuple[str, Any]:
    if as_number(value) is not None:
        return "number", value if value == value else repr(value)
    return type(value).__name__, value if isinstance(value, str | bool | None) else repr(value)


def _plain(values: Sequence[Any]) -> Array | None:
    known = [as_number(value) for value in values]
    numbers = [number for number in known if number is not None and abs(number) < LARGEST]
    return np.array(numbers) if len(numbers) == len(values) else None


def _scale(plain: Array | None, searched: Scale | None) -> Scale | None:
    if plain is None or plain.min() == plain.max():  # whole numbers that no float tells apart
        return None
    guess: Scale = "logarithmic" if plain.max() >= _DECADE * plain.min() else "linear"
    return (searched or guess) if plain.min() > 0 else "linear"
