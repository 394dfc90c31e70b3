"""Cells and their loop: outputs and gradients are those of Keras's layers with the same weights."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from src.architectures.cells import CELLS, fuse_weights
from src.architectures.recurrence import scan
from src.architectures.rnn import Recurrent

UNITS, SIZE, STEPS, BATCH = 5, 4, 7, 3
LENGTHS = np.array([7, 1, 4])
MASK = np.arange(STEPS) < LENGTHS[:, None]
KERAS: dict[str, Any] = {
    "rnn": keras.layers.SimpleRNN,
    "lstm": keras.layers.LSTM,
    "gru": keras.layers.GRU,
}


def _own(cell: str, directions: int) -> Any:
    initializers = [(keras.initializers.GlorotUniform(i), "orthogonal") for i in range(directions)]
    layer = Recurrent(cell, UNITS, initializers)
    layer.build((None, STEPS, SIZE))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(0, 0.5, v.shape) for v in layer.weights])
    return layer


def _keras(cell: str, directions: int) -> Any:
    layer = KERAS[cell](UNITS, return_sequences=True)
    return keras.layers.Bidirectional(layer) if directions == 2 else layer


def _outputs_and_gradients(layer: Any, x: Any, mask: Any) -> tuple[Any, list[Any]]:
    """Of a loss that every real output enters with a weight of its own."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, mask=mask)
        real = tf.cast(mask, tf.float32)[..., None] if mask is not None else 1.0
        y *= real
        weights = tf.cos(tf.reshape(tf.cast(tf.range(tf.size(y)), tf.float32), tf.shape(y)))
        loss = tf.reduce_sum(weights * y)
    return y, tape.gradient(loss, [x, *(v.value for v in layer.trainable_variables)])


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("mask", [None, MASK], ids=["full", "padded"])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_and_gradients_are_those_of_keras(
    cell: str, directions: int, mask: Any, jit: bool
) -> None:
    own, theirs = _own(cell, directions), _keras(cell, directions)
    x = tf.constant(np.random.default_rng(1).normal(size=(BATCH, STEPS, SIZE)), tf.float32)
    theirs.build(x.shape)
    theirs.set_weights(own.get_weights())

    run = tf.function(lambda x: _outputs_and_gradients(own, x, mask), jit_compile=jit)
    outputs, gradients = run(x)
    expected, expected_gradients = _outputs_and_gradients(theirs, x, mask)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    for gradient, wanted in zip(gradients, expected_gradients, strict=True):
        assert np.abs(wanted).max() > 0.1
        np.testing.assert_allclose(gradient, wanted, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize(
    "cell", ["rnn", *(pytest.param(cell, marks=pytest.mark.slow) for cell in ("lstm", "gru"))]
)
def test_the_backward_loop_agrees_with_finite_differences(cell: str) -> None:
    layer = _own(cell, 1)
    weights = [tf.constant(w) for w in layer.get_weights()]
    x = tf.constant(np.random.default_rng(1).normal(size=(STEPS, BATCH, SIZE)), tf.float32)

    def loss(*values: Any) -> Any:
        kernel, bias = fuse_weights(cell, *values[1:])
        return tf.reduce_sum(tf.sin(scan(CELLS[cell], UNITS, values[0], kernel, bias)))

    for theory, numeric in zip(*tf.test.compute_gradient(loss, [x, *weights], 1e-2), strict=True):
        np.testing.assert_allclose(theory, numeric, atol=0.02)


@pytest.mark.parametrize("cell", CELLS)
def test_any_batch_size_runs_through_one_trace(cell: str) -> None:
    layer, traces = _own(cell, 2), []

    @tf.function(input_signature=[tf.TensorSpec((None, STEPS, SIZE))])
    def run(x: Any) -> Any:
        traces.append(x)
        return _outputs_and_gradients(layer, x, None)

    x = tf.constant(np.random.default_rng(1).normal(size=(6, STEPS, SIZE)), tf.float32)
    outputs = [run(x[:n])[0] for n in (1, 6, 2)]
    np.testing.assert_allclose(outputs[0], outputs[1][:1], atol=1e-6)
    np.testing.assert_allclose(outputs[2], outputs[1][:2], atol=1e-6)
    assert len(traces) == 1


@pytest.mark.parametrize("cell", CELLS)
def test_in_bfloat16_the_state_does_not_lose_what_accumulates(cell: str) -> None:
    """Outputs and gradients keep bfloat16's two digits after many steps."""
    x = np.random.default_rng(1).normal(size=(2, 100, SIZE)).astype(np.float32)
    full = _own(cell, 1)
    policy = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        half = _own(cell, 1)
    finally:
        keras.mixed_precision.set_dtype_policy(policy)
    assert all(v.dtype == "float32" for v in half.trainable_variables)
    results = []
    for layer in (full, half):
        with tf.GradientTape() as tape:
            y = layer(x)
            loss = tf.reduce_mean(tf.cast(y, tf.float32)[:, -1])
        results.append([y, *tape.gradient(loss, [v.value for v in layer.trainable_variables])])
    assert results[1][0].dtype == tf.bfloat16
    for wanted, got in zip(*results, strict=True):
        wanted, got = np.asarray(wanted), np.asarray(tf.cast(got, tf.float32))
        assert np.linalg.norm(got - wanted) < 0.05 * np.linalg.norm(wanted)
