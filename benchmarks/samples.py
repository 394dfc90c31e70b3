"""What a row of samples comes to."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Summary:
    """The middle and the spread of some samples.

    Attributes:
        median: Of the samples.
        least: Of the samples.
        most: Of the samples.
    """

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Self:
        """Of at least one sample.

        Raises:
            ValueError: If there is none.
        """
        if not samples:
            raise ValueError("no samples")
        return cls(statistics.median(samples), min(samples), max(samples))


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' ratios: what slows down a whole round cancels.

    Raises:
        ValueError: If there are not as many samples of both, or none.
    """
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
