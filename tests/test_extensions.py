"""A hyperparameter, an optimizer, a schedule, a model and a data set from outside, one entry each.

All else follows from the entry: flags and their help, refusals, the check of sweep files, the key
of a compiled epoch, checkpoints.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from src import datasets
from src.architectures.layers import pixels
from src.architectures.registry import ARCHITECTURES, Architecture
from src.config.command_line import parse_command
from src.config.fields import Section, hyperparameter
from src.config.run_config import RunConfig, add_hyperparameter, remove_hyperparameter
from src.datasets.catalogue import CATALOGUE, Pictures
from src.datasets.spec import Half, InputSpec, Split
from src.model import NeuralNetwork
from src.optimizers.base import Optimizer
from src.optimizers.registry import OPTIMIZERS, OptimizerEntry
from src.optimizers.schedules import SCHEDULES, ScheduleEntry
from src.shared.errors import UserError
from src.sweeps.definition import load_definition
from src.tracking.metrics import EpochMetrics
from src.training import checkpoints
from src.training.execution import build_network
from src.training.kept import program_key
from src.training.loop import fit


class Sign(Optimizer):
    """Steps of one size, ``Δ = −α ρ sign(g)``; it is told of the labels, as all runs are."""

    def __init__(self, learning_rate: float, rho: float, label_smoothing: float) -> None:
        super().__init__(learning_rate)
        self.rho, self.label_smoothing = rho, label_smoothing

    def _update(self, g: Any, variable: Any, *slots: Any) -> Sequence[Any]:
        return (-self.learning_rate * self.rho * tf.sign(g),)


def halving(run: Any, t: Any, steps: int) -> Any:
    """Half the learning rate in each further epoch."""
    return 0.5 ** (t // steps)


def build_softmax(config: RunConfig, spec: InputSpec, execution: Any) -> Any:
    """Softmax regression on pixels that are ``glow`` times as bright."""
    glow = config.glow  # type: ignore[attr-defined]
    return keras.Sequential(
        [
            *pixels(spec),
            keras.layers.Rescaling(glow),
            keras.layers.Flatten(),
            keras.layers.Dense(spec.num_classes, kernel_initializer="zeros"),
        ]
    )


def dots(half: Half, files: Mapping[str, bytes]) -> Split:
    """A bright dot at the left or at the right."""
    y = (np.arange(200) % 2).astype(np.int32)
    x = np.zeros((200, 4, 4, 1), np.uint8)
    x[np.arange(200), np.arange(200) % 4, 3 * y] = 255
    return Split(x, y)


_READS = ("rho", "label_smoothing")  # of which only the first is left to those that name it


@pytest.fixture(autouse=True)
def _toys() -> Iterator[None]:
    with ExitStack() as stack:
        add_hyperparameter(
            "glow",
            float,
            hyperparameter(1.0, "brightness", section=Section.MODEL, gt=0, le=10),
        )
        stack.callback(remove_hyperparameter, "glow")
        stack.enter_context(
            ARCHITECTURES.with_entry(
                Architecture(
                    *("softmax", build_softmax),
                    takes=("pictures",),
                    reads=("glow",),
                    lacks={"num_layers": "it has no hidden layers"},
                    defaults={"epochs": 3},
                )
            )
        )
        stack.enter_context(OPTIMIZERS.with_entry(OptimizerEntry("sign", Sign, reads=_READS)))
        stack.enter_context(SCHEDULES.with_entry(ScheduleEntry("halving", halving)))
        stack.enter_context(
            CATALOGUE.with_entry(
                Pictures(
                    name="dots",
                    title="Dots",
                    licence="Apache-2.0 (made in memory)",
                    spec=InputSpec((4, 4, 1), ("left", "right"), mean=(0.06,), std=(0.24,)),
                    train_size=200,
                    test_size=200,
                    files=(),
                    sources=(),
                    decode=dots,
                )
            )
        )
        yield


ALL = {
    "model": "softmax",
    "dataset": "dots",
    "optimizer": "sign",
    "lr_schedule": "halving",
    "rho": 0.5,
    "glow": 2.0,
    "learning_rate": 0.05,
}


def test_a_run_of_toys_trains_and_its_checkpoint_loads(tmp_path: Path) -> None:
    config = RunConfig.parse(ALL)
    data = datasets.load_training(config)
    network = build_network(config, data.spec, len(data.train))
    assert str(network.execution) == (
        "TensorFlow graph (its entry does not say that XLA is faster on a CPU)"
    )
    epochs: list[EpochMetrics] = []
    result = fit(network, data, checkpoint=tmp_path / "best_model_toy", on_epoch=epochs.append)
    assert [metrics.learning_rate for metrics in epochs] == pytest.approx([0.05, 0.025, 0.0125])
    assert result.best.val_accuracy == 1.0
    loaded, info = checkpoints.load(tmp_path / "best_model_toy")
    assert info.config == config
    assert loaded.evaluate(data.validation.x, data.validation.y)[1] == 1.0


def test_their_flags_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    flags = [f"--{name}={value}" for name, value in ALL.items()]
    assert parse_command(flags).config == RunConfig.parse(ALL)
    with pytest.raises(SystemExit):
        parse_command(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "--glow FLOAT softmax: brightness (a number > 0 and <= 10) [1.0]" in shown
    assert "--rho FLOAT rmsprop, sign: decay of the mean square of the gradient" in shown
    assert "--label_smoothing FLOAT share of each training label" in shown
    assert "and <= 100000) [10, 3 of softmax]" in shown
    assert "sgd|momentum|nag|rmsprop|adam|nadam|adamw|sign" in shown


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"glow": 11}, "--glow: 11 is not allowed; it takes a number > 0 and <= 10"),
        ({"glow": 2}, "--glow: it is for model softmax, not mlp"),
        (
            {"model": "softmax", "dataset": "imdb"},
            "--model: a softmax takes pictures, imdb has reviews; use mlp or rnn",
        ),
        (
            {"model": "softmax", "dropout": 0.1},
            "--dropout: it is for model mlp or cnn or rnn, not softmax",
        ),
        (
            {"model": "softmax", "num_layers": 2},
            "--num_layers: it is for model mlp or rnn, not softmax: it has no hidden layers",
        ),
    ],
)
def test_what_makes_no_sense_with_them_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as raised:
        RunConfig.parse(values)
    assert str(raised.value) == message


def test_a_sweep_file_may_name_them(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    text = """\
method: random
metric: {name: val_accuracy, goal: maximize}
parameters:
  model: {value: softmax}
  dataset: {value: dots}
  optimizer: {values: [adam, sign]}
  lr_schedule: {values: [halving, constant]}
  rho: {values: [0.5, 0.9]}
  glow: {min: 0.5, max: 4.0}
  label_smoothing: {values: [0, 0.1]}
"""
    file.write_text(text)
    config = load_definition(file).for_embedded_server(seed=1).config
    assert config["conditions"] == {"rho": {"optimizer": ["rmsprop", "sign"]}}
    for change, fault in (
        (("4.0", "40.0"), "9: glow"),
        (("value: softmax", "value: mlp"), "9: glow: it is for model softmax, not mlp"),
    ):
        file.write_text(text.replace(*change))
        with pytest.raises(UserError, match=fault):
            load_definition(file)


def test_a_compiled_epoch_is_shared_only_by_runs_that_differ_in_nothing_compiled() -> None:
    def key(**changes: Any) -> Any:
        config = RunConfig.parse(ALL | changes)
        return program_key(NeuralNetwork(config, CATALOGUE["dots"].spec), 180)

    assert key() == key(learning_rate=0.5, seed=3, lr_schedule="constant")
    assert key() != key(glow=3.0)


def test_names_that_are_taken_are_refused() -> None:
    with pytest.raises(ValueError, match="'glow' already"):
        add_hyperparameter("glow", float, hyperparameter(1.0, "", section=Section.MODEL))
    with pytest.raises(ValueError, match="'sign' already"):
        OPTIMIZERS.register(OptimizerEntry("sign", Sign))
