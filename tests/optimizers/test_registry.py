"""The table of optimizers is true, is read without TensorFlow, and can be added to."""

import inspect
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from src.config.run_config import RunConfig
from src.optimizers.base import Optimizer
from src.optimizers.limits import LIMITS
from src.optimizers.registry import OPTIMIZERS, OptimizerEntry, get_optimizer
from src.shared.paths import ROOT
from src.shared.registry import load_target


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_entry_says_what_the_constructor_takes(name: str) -> None:
    entry = OPTIMIZERS[name]
    taken = inspect.signature(load_target(entry.target)).parameters
    assert set(taken) == {"learning_rate", *entry.reads}
    assert set(taken) <= set(LIMITS)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_made_with_the_hyperparameters_of_its_run(name: str) -> None:
    hyperparameters = RunConfig(optimizer=name).optimizer_hyperparameters()
    optimizer = get_optimizer(name, learning_rate=0.1, **hyperparameters)
    assert hyperparameters.keys() == set(OPTIMIZERS[name].reads)
    for hyperparameter, value in hyperparameters.items():
        assert getattr(optimizer, hyperparameter) == value


def test_only_adamw_decays_weights_by_itself() -> None:
    assert [e.name for e in OPTIMIZERS.values() if e.decouples_weight_decay] == ["adamw"]


def test_the_table_is_read_without_tensorflow() -> None:
    code = (
        "import sys, src.optimizers.registry, src.optimizers.limits, src.optimizers.schedules;"
        " sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


class Sign(Optimizer):
    """Steps of one size, whatever the gradient's."""

    def _update(self, g: Any, variable: Any, *slots: Any) -> Sequence[Any]:
        import tensorflow as tf

        return (-self.learning_rate * tf.sign(g),)


def test_an_optimizer_from_outside_is_made_by_its_name() -> None:
    import tensorflow as tf

    with OPTIMIZERS.with_entry(OptimizerEntry("sign", Sign)):
        variable = tf.Variable([1.0, 2.0])
        optimizer = get_optimizer("sign", learning_rate=0.5)
        optimizer.apply_gradients([(tf.constant([0.1, -7.0]), variable)])
        assert variable.numpy().tolist() == [0.5, 2.5]
