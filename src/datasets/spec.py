"""What a data set hands to a model: arrays, and the facts that a model is built from."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

DataKind = Literal["pictures", "reviews"]
Half = Literal["train", "test"]
Examples = NDArray[np.uint8] | NDArray[np.int32]  # pixels, or the words of reviews
Run = Any  # a RunConfig, which this room does not import
# How many words of a review, and how many different ones, a run reads unless told.
SEQUENCE_LENGTH, VOCABULARY_SIZE = 200, 10_000


@dataclass(frozen=True)
class InputSpec:
    """The facts about a data set that fix a model's input and output.

    Attributes:
        shape: One example, ``(height, width, channels)`` of pixels or ``(words,)``.
        class_names: One name a class, in the order of the labels.
        mean: Mean pixel of the training half on the 0..1 scale, one a channel; empty for reviews.
        std: Standard deviation of the same, one a channel; empty for reviews.
        vocabulary_size: Words are numbers below this, 0 is padding at a review's end, 1 any word
            that is not in the vocabulary; 0 for pictures.
    """

    shape: tuple[int, ...]
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    vocabulary_size: int = 0

    @property
    def kind(self) -> DataKind:
        """What the examples are."""
        return "reviews" if self.vocabulary_size else "pictures"

    @property
    def dtype(self) -> str:
        """Of an example's numbers: ``uint8`` pixels or ``int32`` words."""
        return "int32" if self.kind == "reviews" else "uint8"

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)


@dataclass(frozen=True)
class Split:
    """Examples with their labels.

    Attributes:
        x: Of shape ``(n, *spec.shape)`` and of ``spec.dtype``; may be read-only.
        y: Class numbers of shape ``(n,)``.
    """

    x: Examples
    y: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.y)


class Texts(NamedTuple):
    """Reviews as they were written.

    Attributes:
        texts: The reviews, n of them.
        y: Class numbers of shape ``(n,)``.
    """

    texts: list[str]
    y: NDArray[np.int32]


@dataclass(frozen=True)
class TrainingData:
    """What a training run sees: never the test set."""

    name: str
    spec: InputSpec
    train: Split
    validation: Split
