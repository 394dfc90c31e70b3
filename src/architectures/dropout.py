"""Dropout with masks that are cheap to draw, with and without XLA."""

from typing import Any

import keras
import tensorflow as tf

Tensor = Any  # TensorFlow ships no types

_GOLDEN = 0x9E3779B9  # 2^32 over the golden ratio: multiples of it are far from each other


class Dropout(keras.layers.Layer):  # type: ignore[misc]
    """In training, zeroes a share of its input and scales the rest up (Srivastava et al. 2014).

    The idea is that of https://jmlr.org/papers/v15/srivastava14a.html. Whether a number is dropped
    is decided by a hash of its place, of the seed and of how often the layer was called. That is
    all the chance dropout needs, and many times cheaper than what ``keras.layers.Dropout`` draws
    under XLA on a CPU.

    Args:
        rate: Share of the input that is dropped.
        seed: The seed of the masks.
    """

    def __init__(self, rate: float, seed: int) -> None:
        super().__init__()
        self.supports_masking = True
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """``x`` in prediction; in training, some of it, of the same expected value."""
        if not training:
            return x
        seed, calls = tf.unstack(tf.cast(self.seed_generator.next(), tf.uint32))
        key = _mix(seed * _uint32(_GOLDEN) + calls)
        place = tf.reshape(tf.range(tf.size(x)), tf.shape(x))
        bits = _mix(tf.bitcast(place, tf.uint32) * _uint32(_GOLDEN) + key)
        kept = bits >= _uint32(int(self.rate * 2**32))
        return tf.where(kept, x / (1 - self.rate), tf.zeros_like(x))


def _mix(x: Tensor) -> Tensor:
    """The finalizer of MurmurHash3: every bit depends on all bits.

    Appleby 2011, github.com/aappleby/smhasher.
    """
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = _fold(x, shift) * _uint32(factor)
    return _fold(x, 16)


def _fold(x: Tensor, shift: int) -> Tensor:
    return tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, _uint32(shift)))


def _uint32(value: int) -> Tensor:
    return tf.constant(value, tf.uint32)
