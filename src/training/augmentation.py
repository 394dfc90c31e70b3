"""Random changes to training pictures that keep their class, as a part of the compiled step."""

from typing import Any

import tensorflow as tf

from src.config.run_config import RunConfig

Tensor = Any  # TensorFlow ships no types


def augment(x: Tensor, config: RunConfig, seed: Tensor) -> Tensor:
    """Shift, mirror and blank pictures, each at random and independently of the others.

    Args:
        x: Pixels ``(batch, height, width, channels)``.
        config: ``shift``: by up to that many pixels either way in both directions, black moves in.
            ``flip``: left and right are swapped in half of them. ``cutout``: a square of that side
            around a random pixel is black (DeVries & Taylor 2017,
            arXiv:1708.04552).
        seed: Two numbers, int32 ``(2,)``; the same seed changes a batch in the same way.

    Returns:
        As ``x``.
    """
    shift_seed, flip_seed, cutout_seed = tf.unstack(tf.random.split(seed, 3))
    if config.shift or config.flip:
        x = _move(x, config, shift_seed, flip_seed)
    if config.cutout:
        x = _cut_out(x, config.cutout, cutout_seed)
    return x


def _move(x: Tensor, config: RunConfig, shift_seed: Tensor, flip_seed: Tensor) -> Tensor:
    """Take every pixel from where it was: rows first, then columns."""
    _, height, width, _ = x.shape
    batch, by = tf.shape(x)[0], config.shift
    dy, dx = tf.unstack(
        tf.random.stateless_uniform((2, batch, 1), shift_seed, 0, 2 * by + 1, tf.int32)
    )
    rows, columns = tf.range(height)[tf.newaxis], tf.range(width)[tf.newaxis]
    if config.flip:
        mirrored = tf.random.stateless_uniform((batch, 1), flip_seed) < 0.5
        columns = tf.where(mirrored, width - 1 - columns, columns)
    x = tf.pad(x, ((0, 0), (by, by), (by, by), (0, 0)))
    x = tf.gather(x, rows + dy, axis=1, batch_dims=1)
    return tf.gather(x, columns + dx, axis=2, batch_dims=1)


def _cut_out(x: Tensor, side: int, seed: Tensor) -> Tensor:
    _, height, width, _ = x.shape
    y_seed, x_seed = tf.unstack(tf.random.split(seed, 2))
    batch = tf.shape(x)[0]
    rows = _outside(
        height, side, tf.random.stateless_uniform((batch, 1), y_seed, 0, height, tf.int32)
    )
    columns = _outside(
        width, side, tf.random.stateless_uniform((batch, 1), x_seed, 0, width, tf.int32)
    )
    kept = rows[:, :, tf.newaxis] | columns[:, tf.newaxis, :]
    return x * tf.cast(kept, x.dtype)[..., tf.newaxis]


def _outside(length: int, side: int, centre: Tensor) -> Tensor:
    """Which places along an axis are not in the square around the centre: ``(batch, length)``."""
    first = centre - side // 2
    place = tf.range(length)[tf.newaxis]
    return (place < first) | (place >= first + side)
