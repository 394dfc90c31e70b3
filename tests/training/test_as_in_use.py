"""Every model, as a run and an evaluation have it: compiled, for training and for prediction.

TensorFlow rewrites a graph before it runs it, and what it makes of a combination of layers can be
wrong or lack a kernel where each of them works by itself. So the product of all choices is
predicted with, and some that cover all of them are trained, saved, loaded and reported on.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from src import datasets
from src.config.fields import choices
from src.config.run_config import RunConfig
from src.datasets.catalogue import CATALOGUE, Pictures
from src.datasets.spec import Half, InputSpec, Split
from src.evaluate import evaluate_checkpoint
from src.model import NeuralNetwork
from src.training import checkpoints
from src.training.run import run_training
from src.training.stopping import StopRequest

Values = dict[str, Any]

_ANY: Mapping[str, Sequence[Any]] = {
    name: choices(RunConfig.model_fields[name])
    for name in ("activation", "pooling", "cell", "time_pooling", "precision")
}
_EITHER = (False, True)
# What the graph of each model depends on, beside sizes.
CHOICES: dict[str, dict[str, Sequence[Any]]] = {
    "mlp": {name: _ANY[name] for name in ("activation", "precision")} | {"batch_norm": _EITHER},
    "cnn": {name: _ANY[name] for name in ("activation", "precision", "pooling")}
    | {"batch_norm": _EITHER, "convolutions": (1, 2)},
    "resnet": {name: _ANY[name] for name in ("activation", "precision")},
    "rnn": {name: _ANY[name] for name in ("cell", "time_pooling", "precision")}
    | {"bidirectional": _EITHER},
}
_TINY: dict[str, Values] = {
    "mlp": {"num_layers": 1, "hidden_size": 8},
    "cnn": {"filters": [4]},
    "resnet": {"width": 2},
    "rnn": {"hidden_size": 8},
}
# A single step an epoch: the loop of several takes as long again to compile.
_COMMON: Values = {"dataset": "dots", "batch_size": 40, "epochs": 1, "no_wandb": True}
# Of how many choices a few trainings cover all combinations. A resnet is trained of layers that a
# cnn has, and takes much longer to compile.
_COVERED = {"mlp": 2, "cnn": 2, "rnn": 1}
# bfloat16 keeps three digits, and a graph rounds less often than its operations one by one.
_TOLERANCE = {"float32": 1e-5, "bfloat16": 0.03}


def dots(half: Half, files: Mapping[str, bytes]) -> Split:
    """A bright dot at the left or at the right, in noise."""
    y = (np.arange(40) % 2).astype(np.int32)
    x = np.random.default_rng(0).integers(0, 100, (40, 8, 8, 1)).astype(np.uint8)
    x[np.arange(40), np.arange(40) % 8, 7 * y] = 255
    return Split(x, y)


SPEC = InputSpec((8, 8, 1), ("left", "right"), mean=(0.2,), std=(0.15,))


@pytest.fixture(autouse=True)
def _few_examples() -> Iterator[None]:
    entry = Pictures(
        name="dots",
        title="Dots",
        licence="Apache-2.0 (made in memory)",
        spec=SPEC,
        train_size=40,
        test_size=40,
        files=(),
        sources=(),
        decode=dots,
    )
    with CATALOGUE.with_entry(entry):
        yield


def every(model: str) -> Iterator[Values]:
    """The product of all choices."""
    choices = CHOICES[model]
    return (dict(zip(choices, values, strict=True)) for values in product(*choices.values()))


def covering(model: str) -> Iterator[Values]:
    """A few of :func:`every`, with each pair of choices, or each choice, in one of them."""
    rows = [(row, set(combinations(row.items(), _COVERED[model]))) for row in every(model)]
    left = set().union(*(covered for _, covered in rows))
    while left:
        row, covered = max(rows, key=lambda candidate: len(candidate[1] & left))
        left -= covered
        yield row


def config_of(model: str, values: Values) -> RunConfig:
    return RunConfig.parse({"model": model, **_TINY[model], **_COMMON, **values})


@pytest.mark.slow
@pytest.mark.parametrize("model", CHOICES)
def test_graphs_predict_what_the_layers_compute_one_by_one(model: str) -> None:
    x = dots("test", {}).x
    for values in every(model):
        network = NeuralNetwork(config_of(model, values), SPEC)
        compiled = network.predict(x)
        expected = tf.nn.softmax(network.forward(x))
        np.testing.assert_allclose(
            compiled, expected, atol=_TOLERANCE[values["precision"]], err_msg=str(values)
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "values"), [(model, row) for model in _COVERED for row in covering(model)]
)
def test_what_was_trained_predicts_as_it_did_when_it_was_validated(
    model: str, values: Values, tmp_path: Path
) -> None:
    config = config_of(model, values)
    trained = run_training(config, StopRequest(), tmp_path)
    network, info = checkpoints.load(trained.checkpoint)
    validation = datasets.load_training(config).validation
    expected = info.metrics.val_loss, info.metrics.val_accuracy
    assert network.evaluate(validation.x, validation.y) == expected


@pytest.mark.slow
@pytest.mark.parametrize("model", CHOICES)
def test_what_was_trained_can_be_reported_on(model: str, tmp_path: Path) -> None:
    last = list(every(model))[-1]
    values = last | ({"activation": "tanh"} if "activation" in last else {})
    trained = run_training(config_of(model, values), StopRequest(), tmp_path)
    evaluation = evaluate_checkpoint(trained.checkpoint, output_dir=tmp_path)
    assert evaluation.files[0].is_file()
    assert np.isfinite(list(evaluation.metrics.values())).all()
