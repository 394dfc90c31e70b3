"""What a data set hands to a model: arrays, and the facts that a model is built from."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Half = Literal["train", "test"]


@dataclass(frozen=True)
class InputSpec:
    """The facts about a data set that fix a model's input and output.

    Attributes:
        shape: one example, ``(height, width, channels)``.
        class_names: one name a class, in the order of the labels.
        mean: mean pixel of the training half on the 0..1 scale, one a channel.
        std: standard deviation of the same, one a channel.
    """

    shape: tuple[int, ...]
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)


@dataclass(frozen=True)
class Split:
    """Examples with their labels.

    Attributes:
        x: of shape ``(n, *spec.shape)``; may be read-only.
        y: class numbers of shape ``(n,)``.
    """

    x: NDArray[np.uint8]
    y: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class TrainingData:
    """What a training run sees: never the test set."""

    name: str
    spec: InputSpec
    train: Split
    validation: Split
