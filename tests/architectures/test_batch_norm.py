"""Batch norm: as Keras's own, on pictures and on vectors, and its statistics follow the batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from src.architectures.batch_norm import BatchNorm

SHAPES = [(8, 5), (4, 3, 6, 5)]


def _pair(shape: tuple[int, ...]) -> tuple[BatchNorm, keras.layers.BatchNormalization]:
    rng = np.random.default_rng(0)
    weights = [rng.uniform(0.5, 2, 5).astype(np.float32) for _ in range(4)]
    layers = BatchNorm(), keras.layers.BatchNormalization(momentum=0.9)
    for layer in layers:
        layer.build((None, *shape[1:]))
        layer.set_weights(weights)
    return layers


def _inputs(shape: tuple[int, ...]) -> tf.Tensor:
    return tf.constant(np.random.default_rng(1).normal(3, 2, shape).astype(np.float32))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("training", [False, True])
def test_gives_what_keras_gives_and_its_gradients(shape: tuple[int, ...], training: bool) -> None:
    x, found = _inputs(shape), []
    factor = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    for layer in _pair(shape):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
            loss = tf.reduce_sum(tf.square(y) * factor)
        sources = [x, layer.gamma.value, layer.beta.value]
        found.append([y, *tape.gradient(loss, sources)])
    for own, keras_own in zip(*found, strict=True):
        np.testing.assert_allclose(own, keras_own, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("shape", "count"), [(SHAPES[0], None), (SHAPES[1], 4 * 3 * 6)])
def test_statistics_move_by_a_tenth_in_training_only(
    shape: tuple[int, ...], count: int | None
) -> None:
    layer, _ = _pair(shape)
    x = _inputs(shape)
    _, _, mean, variance = layer.get_weights()
    layer(x, training=False)
    np.testing.assert_array_equal(layer.get_weights()[2:], [mean, variance])
    layer(x, training=True)
    axes = tuple(range(len(shape) - 1))
    unbiased = count / (count - 1) if count else 1.0
    seen = np.mean(x, axis=axes), np.var(x, axis=axes) * unbiased
    expected = [0.9 * old + 0.1 * new for old, new in zip((mean, variance), seen, strict=True)]
    np.testing.assert_allclose(layer.get_weights()[2:], expected, rtol=1e-4)


def test_statistics_are_float32_beside_bfloat16_pictures() -> None:
    layer = BatchNorm(dtype="mixed_bfloat16")
    y = layer(_inputs(SHAPES[1]), training=True)
    assert y.dtype == tf.bfloat16
    assert {v.dtype for v in layer.variables} == {"float32"}
    assert layer.get_weights()[2] == pytest.approx(0.3, rel=0.2)
