"""Augmentation: pictures move as a whole, mirror, lose a square; one seed does one thing."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from src.config.run_config import RunConfig
from src.training.augmentation import augment

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(1, 256, (200, 7, 9, 3), dtype=np.uint8)


def augmented(
    seed: tuple[int, int] = (0, 1), jit: bool = False, **values: Any
) -> NDArray[np.uint8]:
    config = RunConfig.parse(values)

    @tf.function(jit_compile=jit)
    def run(x: Any, seed: Any) -> Any:
        return augment(x, config, seed)

    result: NDArray[np.uint8] = run(tf.constant(PICTURES), tf.constant(seed)).numpy()
    return result


def moved(picture: NDArray[np.uint8], dy: int, dx: int) -> NDArray[np.uint8]:
    """The picture as seen through a window that is moved by (dy, dx), with black around it."""
    by = 4
    padded = np.pad(picture, ((by, by), (by, by), (0, 0)))
    return padded[by + dy :, by + dx :][: picture.shape[0], : picture.shape[1]]


@pytest.mark.parametrize("jit", [False, True])
def test_shift_moves_whole_pictures_by_every_amount(jit: bool) -> None:
    seen = set()
    for before, after in zip(PICTURES, augmented(shift=2, jit=jit), strict=True):
        fits = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-2, 3)
            if (moved(before, dy, dx) == after).all()
        ]
        assert len(fits) == 1
        seen.update(fits)
    assert len(seen) == 25


@pytest.mark.parametrize("jit", [False, True])
def test_flip_mirrors_about_half_of_the_pictures(jit: bool) -> None:
    result = augmented(flip=True, jit=jit)
    mirrored = (result == PICTURES[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (result == PICTURES).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all()
    assert 70 < mirrored.sum() < 130


def test_cutout_blanks_one_square_and_nothing_else() -> None:
    result = augmented(cutout=3)
    blank = (result == 0).all(axis=3)
    np.testing.assert_array_equal(result[~blank], PICTURES[~blank])
    sizes = set()
    for mask in blank:
        rows, columns = mask.any(axis=1), mask.any(axis=0)
        assert (mask == np.outer(rows, columns)).all()
        sizes.add((int(rows.sum()), int(columns.sum())))
    assert (3, 3) in sizes  # smaller ones are cut off by the border
    assert max(sizes) == (3, 3)


def test_all_together_and_the_seed_decides() -> None:
    values: dict[str, Any] = {"shift": 1, "flip": True, "cutout": 2}
    first, again = augmented(**values), augmented(**values)
    np.testing.assert_array_equal(first, again)
    for other in ((0, 2), (1, 1)):
        assert (augmented(other, **values) != first).any()


def test_pictures_are_changed_independently() -> None:
    """What shift does to a picture says nothing about its mirroring."""
    config: dict[str, Any] = {"shift": 1, "flip": True}
    result = augmented(**config)
    flips_by_shift: dict[tuple[int, int], set[bool]] = {}
    for before, after in zip(PICTURES, result, strict=True):
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                for flip in (False, True):
                    source = before[:, ::-1] if flip else before
                    if (moved(source, dy, dx) == after).all():
                        flips_by_shift.setdefault((dy, dx), set()).add(flip)
    assert len(flips_by_shift) == 9
    assert all(flips == {False, True} for flips in flips_by_shift.values())
