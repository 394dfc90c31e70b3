"""A tiny data set made in memory, for tests and debugging: noisy stripes in four directions."""

from collections.abc import Mapping

import numpy as np

from src.datasets.spec import Half, Split

CLASS_NAMES = ("horizontal", "vertical", "diagonal", "checkerboard")
SIDE = 8
SIZES: dict[Half, int] = {"train": 1200, "test": 400}

_SEEDS: dict[Half, int] = {"train": 20170, "test": 20171}
_GREY, _CONTRAST, _NOISE = 128, 40, 50


def generate(half: Half, files: Mapping[str, bytes] | None = None) -> Split:
    """Make one half: always the same examples, classes in equal parts.

    Light and dark are swapped in every other example at random, so all classes have the same mean
    image: a linear model stays at chance, one hidden layer learns it in a few epochs.

    Args:
        half: Which half.
        files: Ignored; it is there because data sets read from files take it.

    Returns:
        ``x`` of shape ``(n, 8, 8, 1)`` and ``y`` of shape ``(n,)``.
    """
    rng = np.random.default_rng(_SEEDS[half])
    y = rng.permutation(np.arange(SIZES[half]) % len(CLASS_NAMES))
    row, column = np.indices((SIDE, SIDE))
    checkerboard = row // 2 + column // 2
    patterns = np.stack([row // 2, column // 2, (row + column) // 2, checkerboard]) % 2 * 2 - 1
    polarity = rng.choice([-1, 1], (len(y), 1, 1))
    noise = rng.normal(0, _NOISE, (len(y), SIDE, SIDE))
    x = np.clip(np.rint(_GREY + _CONTRAST * polarity * patterns[y] + noise), 0, 255)
    return Split(x.astype(np.uint8)[..., np.newaxis], y.astype(np.int32))
