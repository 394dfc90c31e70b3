"""Gradient descent, plain and with momentum, is that of Keras."""

import pytest

from tests.optimizers.against_keras import assert_equals_keras


@pytest.mark.parametrize(
    ("name", "hyperparameters"),
    [  # an empty row is all defaults, ours against theirs
        ("sgd", {}),
        ("sgd", {"learning_rate": 0.3}),
        ("momentum", {"momentum": 0.9}),
        ("momentum", {"momentum": 0.5, "learning_rate": 0.1}),
        ("momentum", {"momentum": 0.0}),
        ("nag", {"momentum": 0.9}),
        ("nag", {"momentum": 0.5, "learning_rate": 0.1}),
    ],
)
def test_equals_keras(name: str, hyperparameters: dict[str, float]) -> None:
    assert_equals_keras(name, hyperparameters)
