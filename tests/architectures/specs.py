"""Facts of made-up data sets, and random examples of them."""

from typing import Any

import numpy as np

from src.datasets.spec import InputSpec

CLASSES = tuple("abcdefghij")


def pictures(*shape: int) -> InputSpec:
    """Pictures ``(height, width, channels)`` of ten classes."""
    return InputSpec(shape, CLASSES, mean=(0.5,) * shape[2], std=(0.25,) * shape[2])


def reviews(words: int = 12, vocabulary_size: int = 30) -> InputSpec:
    """Reviews of two classes."""
    return InputSpec((words,), ("negative", "positive"), (), (), vocabulary_size)


def random_examples(spec: InputSpec, count: int, seed: int = 0) -> Any:
    """Examples that use every number their kind may hold, padding at the ends of reviews."""
    rng = np.random.default_rng(seed)
    if spec.kind == "pictures":
        return rng.integers(0, 256, (count, *spec.shape), dtype=np.uint8)
    x = rng.integers(1, spec.vocabulary_size, (count, *spec.shape), dtype=np.int32)
    lengths = rng.integers(1, spec.shape[0] + 1, (count, 1))
    return np.where(np.arange(spec.shape[0]) < lengths, x, 0).astype(np.int32)
