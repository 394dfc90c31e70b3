"""Every model on every data set that it fits learns, with every optimizer and every loss."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from src.architectures.registry import ARCHITECTURES
from src.config.fields import choices
from src.config.registry import why_model_cannot
from src.config.run_config import RunConfig
from src.datasets.catalogue import CATALOGUE
from src.datasets.spec import InputSpec, Split
from src.model import NeuralNetwork
from src.optimizers.registry import OPTIMIZERS
from src.shared.errors import UserError

LOSSES = choices(RunConfig.model_fields["loss"])
ALLOWED = [(m, d) for m, d in product(ARCHITECTURES, CATALOGUE) if why_model_cannot(m, d) is None]
REFUSED = [pair for pair in product(ARCHITECTURES, CATALOGUE) if pair not in ALLOWED]

_TINY: dict[str, dict[str, Any]] = {
    "mlp": {"num_layers": 1, "hidden_size": 8},
    "cnn": {"filters": [4], "hidden_size": 8, "stride": 2},
    "resnet": {"width": 2},
    "rnn": {"cell": "gru", "hidden_size": 8, "time_pooling": "last"},
}
_SHORT: dict[str, Any] = {"vocabulary_size": 30, "sequence_length": 4, "embedding_size": 8}
_RATES = {"sgd": 0.03, "momentum": 0.02, "nag": 0.02}
_ADAPTIVE_RATE = 0.01
# Of the squared error, through gates, and of all that follows embeddings, which start small; the
# adaptive rules make up for it.
_SMALL_GRADIENTS = 20
_EXAMPLES, _STEPS = 20, 6


def learnable(spec: InputSpec) -> Split:
    """Noise around one picture a class, or words that only one class uses beside ones that all do.

    The last review is short, so that it ends in padding.
    """
    rng = np.random.default_rng(0)
    y = (np.arange(_EXAMPLES) % spec.num_classes).astype(np.int32)
    if spec.kind == "pictures":
        patterns = rng.normal(spec.mean, spec.std, (spec.num_classes, *spec.shape))
        noisy = patterns[y] + rng.normal(0, 0.1, (_EXAMPLES, *spec.shape))
        return Split((255 * noisy.clip(0, 1)).astype(np.uint8), y)
    x = rng.integers(2 + spec.num_classes, spec.vocabulary_size, (_EXAMPLES, *spec.shape))
    x[:, 0] = 2 + y
    x[-1, 2:] = 0
    return Split(x.astype(np.int32), y)


def losses_of(model: str, dataset: str, optimizer: str, loss: str) -> list[float]:
    """The loss before each of a few steps on all of a tiny data set of that one's kind."""
    reviews = CATALOGUE[dataset].spec.kind == "reviews"
    rate = _RATES.get(optimizer, _ADAPTIVE_RATE)
    if optimizer in _RATES:
        small = reviews or loss == "mse" or model == "rnn"
        rate *= _SMALL_GRADIENTS if small else 1
    named: dict[str, Any] = {
        "model": model,
        "dataset": dataset,
        "optimizer": optimizer,
        "loss": loss,
    }
    short = _SHORT if reviews else {}
    config = RunConfig.parse(named | _TINY[model] | short | {"learning_rate": rate})
    spec = CATALOGUE.find(dataset).spec_for(config)
    network, data = NeuralNetwork(config, spec), learnable(spec)
    step = network.create_optimizer()
    x, y = tf.constant(data.x), tf.constant(data.y)
    return [float(network.take_step(x, y, step).data_loss) for _ in range(_STEPS)]


def assert_learns(model: str, dataset: str, optimizer: str, loss: str) -> None:
    losses = losses_of(model, dataset, optimizer, loss)
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.995 * losses[0], (optimizer, loss, losses)


@pytest.mark.parametrize(("model", "dataset"), ALLOWED)
def test_every_model_learns_every_data_set_that_it_fits(model: str, dataset: str) -> None:
    assert_learns(model, dataset, "adam", "cross_entropy")


@pytest.mark.parametrize(("optimizer", "loss"), list(product(OPTIMIZERS, LOSSES)))
def test_every_optimizer_lowers_every_loss(optimizer: str, loss: str) -> None:
    assert_learns("mlp", "synthetic", optimizer, loss)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "dataset"), ALLOWED)
def test_every_allowed_combination_learns(model: str, dataset: str) -> None:
    for optimizer, loss in product(OPTIMIZERS, LOSSES):
        assert_learns(model, dataset, optimizer, loss)


@pytest.mark.parametrize(("model", "dataset"), REFUSED)
def test_a_model_that_does_not_fit_its_data_is_one_line(model: str, dataset: str) -> None:
    for optimizer, loss in product(OPTIMIZERS, LOSSES):
        with pytest.raises(UserError) as raised:
            RunConfig.parse(
                {"model": model, "dataset": dataset, "optimizer": optimizer, "loss": loss}
            )
        assert str(raised.value) == (
            f"--model: a {model} takes pictures, {dataset} has reviews; use mlp or rnn"
        )


def test_only_convolutions_are_refused_and_only_for_reviews() -> None:
    assert set(REFUSED) == set(product(("cnn", "resnet"), ("imdb", "synthetic_reviews")))
