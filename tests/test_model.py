"""NeuralNetwork: losses, the L2 penalty, one step, predictions."""

import itertools
import subprocess
import sys
from typing import Any, get_args

import numpy as np
import pytest
import tensorflow as tf

from src.architectures.execution import Execution
from src.config.hyperparameters import Activation, Loss, WeightInit
from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec, TrainingData
from src.model import NeuralNetwork, accuracy
from src.optimizers.registry import OPTIMIZERS
from src.shared.paths import ROOT


def batch(data: TrainingData, n: int = 32) -> tuple[Any, Any]:
    return tf.constant(data.train.x[:n]), tf.constant(data.train.y[:n])


def softmax(logits: Any) -> Any:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_losses_are_those_of_their_definitions(small_data: TrainingData) -> None:
    logits = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    y = np.random.default_rng(1).integers(0, 4, 50).astype(np.int32)
    p = softmax(logits)
    expected = {
        "cross_entropy": -np.log(p[np.arange(50), y]).mean(),
        "mse": ((p - np.eye(4)[y]) ** 2).mean(),
    }
    for loss, value in expected.items():
        network = NeuralNetwork(RunConfig.parse({"loss": loss}), small_data.spec)
        assert float(network.compute_loss(y, logits)) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("loss", get_args(Loss))
def test_label_smoothing_is_for_training_alone(small_data: TrainingData, loss: str) -> None:
    logits = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    y = np.random.default_rng(1).integers(0, 4, 50).astype(np.int32)
    config = RunConfig.parse({"loss": loss, "label_smoothing": 0.2})
    network = NeuralNetwork(config, small_data.spec)
    plain = NeuralNetwork(RunConfig.parse({"loss": loss}), small_data.spec)
    assert network.compute_loss(y, logits) == plain.compute_loss(y, logits, training=True)
    p, target = softmax(logits), 0.8 * np.eye(4)[y] + 0.05
    expected = {
        "cross_entropy": -(target * np.log(p)).sum(axis=1).mean(),
        "mse": ((p - target) ** 2).mean(),
    }[loss]
    smoothed = float(network.compute_loss(y, logits, training=True))
    assert smoothed == pytest.approx(expected, rel=1e-5)


def test_gradients_are_scaled_down_to_the_clip_norm_and_never_up(small_data: TrainingData) -> None:
    updates = {}
    for clip_norm in (0.0, 0.01, 1e6):
        config = RunConfig(optimizer="sgd", learning_rate=1.0, clip_norm=clip_norm)
        network = NeuralNetwork(config, small_data.spec)
        before = [v.numpy() for v in network.variables]
        step = network.take_step(*batch(small_data), network.create_optimizer())
        norm = np.sqrt(sum((g.numpy() ** 2).sum() for g in step.gradients))
        assert norm > 0.02  # the gradient that is told is the one before it was clipped
        changes = [v.numpy() - old for v, old in zip(network.variables, before, strict=True)]
        updates[clip_norm] = np.sqrt(sum((c**2).sum() for c in changes))
    assert updates[0.01] == pytest.approx(0.01, rel=1e-3)
    assert updates[1e6] == pytest.approx(updates[0.0], rel=1e-5)


@pytest.mark.parametrize("jit", [False, True])
def test_a_word_read_twice_has_one_gradient_that_is_clipped(jit: bool) -> None:
    """Two examples of one word each, ten times over: the rows of its gradient are summed first."""
    spec = InputSpec((10,), ("a", "b"), (), (), vocabulary_size=5)
    values = {"dataset": "imdb", "num_layers": 0, "clip_norm": 0.01, "embedding_size": 4}
    config = RunConfig.parse({**values, "optimizer": "sgd", "learning_rate": 1.0})
    network = NeuralNetwork(config, spec, Execution(jit))
    before = [v.numpy() for v in network.variables]
    x, y = np.repeat([[2], [3]], 10, axis=1).astype(np.int32), np.array([0, 0], np.int32)
    step = network.take_step(x, y, network.create_optimizer())
    p = softmax(before[0][[2, 3]] @ before[1] + before[2])
    expected = np.zeros((5, 4))
    expected[[2, 3]] = (p - [1, 0]) / 2 @ before[1].T
    np.testing.assert_allclose(step.gradients[0].numpy(), expected, rtol=1e-4, atol=1e-7)
    changes = [v.numpy() - old for v, old in zip(network.variables, before, strict=True)]
    assert np.sqrt(sum((c**2).sum() for c in changes)) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    ("values", "shape", "expected"),
    [
        ({"hidden_size": [5, 3]}, (2, 2, 1), 6 * (4 * 5 + 5 * 3 + 3 * 2)),
        (
            {"model": "cnn", "filters": [4], "head": "global"},
            (8, 8, 3),
            6 * (64 * 9 * 3 * 4 + 4 * 2),
        ),
        (
            {"model": "rnn", "hidden_size": 4},
            (6, 5, 1),
            6 * (6 * (5 + 4) * 16 + 4 * 2),
        ),
    ],
)
def test_flops_are_those_counted_by_hand(
    values: dict[str, Any], shape: tuple[int, ...], expected: int
) -> None:
    channels = shape[-1]
    spec = InputSpec(shape, ("a", "b"), (0.5,) * channels, (0.2,) * channels)
    assert NeuralNetwork(RunConfig.parse(values), spec).flops_per_example() == expected


def test_weight_decay_adds_its_analytic_gradient_to_kernels_only(small_data: TrainingData) -> None:
    gradients = []
    for weight_decay in (0.0, 0.3):
        config = RunConfig(optimizer="sgd", weight_decay=weight_decay, hidden_size=16)
        network = NeuralNetwork(config, small_data.spec)
        before = [v.numpy() for v in network.variables]
        step = network.take_step(*batch(small_data), network.create_optimizer())
        gradients.append([g.numpy() for g in step.gradients])
        kernels = [w for w in before if w.ndim == 2]
        penalty = weight_decay * sum((k**2).sum() / 2 for k in kernels)
        assert float(step.loss - step.data_loss) == pytest.approx(penalty, rel=1e-4, abs=1e-6)
    for weight, plain, penalised in zip(before, *gradients, strict=True):
        extra = 0.3 * weight if weight.ndim == 2 else 0 * weight
        np.testing.assert_allclose(penalised, plain + extra, rtol=1e-4, atol=1e-6)


def test_adamw_decays_kernels_itself_and_has_no_penalty(small_data: TrainingData) -> None:
    after = []
    for weight_decay in (0.0, 0.5):
        config = RunConfig(optimizer="adamw", weight_decay=weight_decay, learning_rate=0.1)
        network = NeuralNetwork(config, small_data.spec)
        assert float(network.compute_penalty()) == 0
        before = [v.numpy() for v in network.variables]
        network.train_step(*batch(small_data), network.create_optimizer())
        after.append([v.numpy() for v in network.variables])
    for weight, plain, decayed in zip(before, *after, strict=True):
        shrunk = 0.1 * 0.5 * weight if weight.ndim == 2 else 0 * weight
        np.testing.assert_allclose(decayed, plain - shrunk, rtol=1e-4, atol=1e-6)


COMBINATIONS = list(
    itertools.product(tuple(OPTIMIZERS), get_args(Loss), get_args(Activation), get_args(WeightInit))
)


@pytest.mark.parametrize("optimizer", tuple(OPTIMIZERS))
def test_every_combination_takes_a_step(small_data: TrainingData, optimizer: str) -> None:
    x, y = batch(small_data)
    for name, loss, activation, weight_init in COMBINATIONS:
        if name != optimizer:
            continue
        values = {"optimizer": name, "loss": loss, "activation": activation}
        config = RunConfig.parse(
            {**values, "weight_init": weight_init, "num_layers": 1, "hidden_size": 8}
        )
        network = NeuralNetwork(config, small_data.spec)
        before = [v.numpy() for v in network.variables]
        step_loss, step_accuracy = network.train_step(x, y, network.create_optimizer())
        assert np.isfinite(float(step_loss)), config
        assert 0 <= float(step_accuracy) <= 1
        for old, new in zip(before, network.variables, strict=True):
            assert (old != new.numpy()).any(), config


def test_train_step_returns_the_values_from_before_the_step(small_data: TrainingData) -> None:
    network = NeuralNetwork(RunConfig(weight_decay=0.1), small_data.spec)
    x, y = batch(small_data)
    logits = network.forward(x)
    expected = float(network.compute_loss(y, logits) + network.compute_penalty())
    loss, share = network.train_step(x, y, network.create_optimizer())
    assert float(loss) == pytest.approx(expected, rel=1e-6)
    assert float(share) == float(accuracy(y, logits))


def test_steps_on_one_batch_lower_its_loss(small_data: TrainingData) -> None:
    network = NeuralNetwork(RunConfig(hidden_size=16), small_data.spec)
    optimizer = network.create_optimizer()
    losses = [float(network.train_step(*batch(small_data), optimizer)[0]) for _ in range(40)]
    assert losses[-1] < losses[0] / 2


def test_predictions_do_not_depend_on_the_batch_size(small_data: TrainingData) -> None:
    network = NeuralNetwork(RunConfig(dropout=0.5), small_data.spec)
    x = small_data.validation.x
    whole = network.predict(x)
    assert whole.shape == (100, 4)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole, softmax(network.forward(x).numpy()), rtol=1e-5)
    np.testing.assert_allclose(network.predict(x, batch_size=33), whole, rtol=1e-5)
    assert network.predict(x[:0]).shape == (0, 4)


def test_evaluate_agrees_with_predict(small_data: TrainingData) -> None:
    network = NeuralNetwork(RunConfig(), small_data.spec)
    x, y = small_data.validation.x, small_data.validation.y
    p = network.predict(x)
    loss, share = network.evaluate(x, y, batch_size=30)
    assert loss == pytest.approx(-np.log(p[np.arange(len(y)), y]).mean(), rel=1e-5)
    assert share == pytest.approx((p.argmax(axis=1) == y).mean())


def test_describe_says_what_weight_decay_is_for(small_data: TrainingData) -> None:
    network = NeuralNetwork(RunConfig(num_layers=2, hidden_size=8), small_data.spec)
    assert network.describe() == (
        "404 parameters in 6 tensors; weight_decay 0 is for 3 of them, the kernels (384 parameters)"
    )


def test_the_documented_check_of_an_installation_works() -> None:
    code = (
        "import tensorflow as tf; from src.model import NeuralNetwork; "
        "print('Installation successful')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "Installation successful\n"
