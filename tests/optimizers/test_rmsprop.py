"""RMSProp is that of Keras."""

import pytest

from tests.optimizers.against_keras import assert_equals_keras


@pytest.mark.parametrize(
    ("name", "hyperparameters"),
    [  # an empty row is all defaults, ours against theirs
        ("rmsprop", {}),
        ("rmsprop", {"rho": 0.99, "learning_rate": 0.01}),
        ("rmsprop", {"rho": 0.5, "epsilon": 1e-3}),
    ],
)
def test_equals_keras(name: str, hyperparameters: dict[str, float]) -> None:
    assert_equals_keras(name, hyperparameters)
