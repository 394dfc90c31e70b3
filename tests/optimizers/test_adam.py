"""Adam, NAdam and AdamW are those of Keras, and AdamW decays what it is told to."""

import numpy as np
import pytest
import tensorflow as tf

from src.optimizers.registry import get_optimizer
from tests.optimizers.against_keras import assert_equals_keras


@pytest.mark.parametrize(
    ("name", "hyperparameters"),
    [  # an empty row is all defaults, ours against theirs
        ("adam", {}),
        ("adam", {"beta_1": 0.5, "learning_rate": 0.01}),
        ("adam", {"beta_1": 0.0, "beta_2": 0.9, "epsilon": 1e-3}),
        ("nadam", {}),
        ("nadam", {"beta_1": 0.5, "learning_rate": 0.01}),
        ("nadam", {"beta_2": 0.9, "epsilon": 1e-3}),
        ("adamw", {}),
        ("adamw", {"weight_decay": 0.1, "learning_rate": 0.01}),
        ("adamw", {"weight_decay": 0.0, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
    ],
)
def test_equals_keras(name: str, hyperparameters: dict[str, float]) -> None:
    assert_equals_keras(name, hyperparameters)


def test_adamw_decays_only_what_it_is_told_to() -> None:
    kernel, bias = tf.Variable([1.0]), tf.Variable([1.0])
    optimizer = get_optimizer("adamw", learning_rate=0.1, weight_decay=0.5)
    optimizer.build([kernel, bias], decayed=[kernel])
    optimizer.apply_gradients([(tf.zeros(1), kernel), (tf.zeros(1), bias)])
    np.testing.assert_allclose(kernel, [0.95])
    np.testing.assert_array_equal(bias, [1.0])
    optimizer.build([kernel, bias])  # now all of them
    optimizer.apply_gradients([(tf.zeros(1), kernel), (tf.zeros(1), bias)])
    np.testing.assert_allclose(bias, [0.95])
