"""Dropout: the share, the scale, the seed; XLA draws the same masks."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from src.architectures.dropout import Dropout


def dropped(layer: Any, x: Any, jit: bool) -> Any:
    return tf.function(lambda x: layer(x, training=True), jit_compile=jit)(x).numpy()


@pytest.mark.parametrize("jit", [False, True])
def test_the_rate_is_dropped_and_the_rest_scaled_up(jit: bool) -> None:
    result = dropped(Dropout(0.3, 1), tf.ones((200, 300)), jit)
    np.testing.assert_allclose(result[result > 0], 1 / 0.7, rtol=1e-6)
    assert (result == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert (result == 0).mean(axis=0).std() < 0.05  # no place is favoured


@pytest.mark.parametrize("jit", [False, True])
def test_every_call_draws_anew_and_a_seed_draws_the_same(jit: bool) -> None:
    x = tf.ones((20, 30))
    layers = [Dropout(0.5, seed) for seed in (1, 1, 2)]
    first, same, other = (dropped(layer, x, jit) for layer in layers)
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
    assert (dropped(layers[0], x, jit) != first).any()
    np.testing.assert_array_equal(dropped(Dropout(0.5, 1), x, not jit), first)


def test_its_random_state_is_a_variable_of_the_model_that_can_be_restored() -> None:
    model = keras.Sequential([keras.Input((30,)), Dropout(0.5, 1)])
    before = [variable.numpy() for variable in model.variables]
    x = tf.ones((20, 30))
    first = model(x, training=True)
    for variable, value in zip(model.variables, before, strict=True):
        variable.assign(value)
    np.testing.assert_array_equal(model(x, training=True), first)


def test_prediction_changes_nothing() -> None:
    x = tf.random.normal((4, 5))
    np.testing.assert_array_equal(Dropout(0.5, 1)(x), x)


def test_masks_of_different_calls_and_layers_have_nothing_in_common() -> None:
    x = tf.ones((100, 100))
    layers = [Dropout(0.5, seed) for seed in range(20)]
    masks = [(layer(x, training=True).numpy() > 0).ravel() for layer in layers * 2]
    correlations = np.corrcoef(masks) - np.eye(len(masks))
    assert np.abs(correlations).max() < 0.05
    neighbours = [
        np.corrcoef(mask[:-lag], mask[lag:])[0, 1] for mask in masks for lag in (1, 2, 64)
    ]
    assert np.abs(neighbours).max() < 0.05
