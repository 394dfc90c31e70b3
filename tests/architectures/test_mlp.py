"""The MLP: its shape follows the config, its initial weights follow the seed."""

from itertools import pairwise

import numpy as np
import pytest

from src.architectures.mlp import build_mlp
from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec
from tests.architectures.specs import random_examples, reviews

SPEC = InputSpec(shape=(4, 5, 2), class_names=("a", "b", "c"), mean=(0.5, 0.1), std=(0.25, 0.2))


@pytest.mark.parametrize("layers", [0, 1, 4])
def test_has_as_many_hidden_layers_as_the_config_says(layers: int) -> None:
    model = build_mlp(RunConfig(num_layers=layers, hidden_size=7), SPEC)
    kernels = [v.shape for v in model.trainable_variables if v.name == "kernel"]
    sizes = [40, *[7] * layers, 3]
    assert kernels == list(pairwise(sizes))
    assert model(np.zeros((2, 4, 5, 2), np.uint8)).shape == (2, 3)


def test_pixels_are_normalised_channel_by_channel_inside_the_model() -> None:
    model = build_mlp(RunConfig(num_layers=0), SPEC)
    kernel, bias = model.get_weights()
    x = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 2), dtype=np.uint8)
    normalised = (x / 255 - np.array(SPEC.mean)) / np.array(SPEC.std)
    expected = normalised.reshape(3, -1) @ kernel + bias
    np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-4)


def test_the_last_layer_gives_logits_not_probabilities() -> None:
    model = build_mlp(RunConfig(), SPEC)
    logits = np.asarray(model(np.full((1, 4, 5, 2), 200, np.uint8)))
    assert logits.min() < 0
    assert not np.isclose(logits.sum(), 1)


@pytest.mark.parametrize(
    ("weight_init", "std", "bound"),
    [
        ("random", 0.05, np.inf),
        ("xavier", np.sqrt(2 / 800), np.sqrt(6 / 800)),
        ("he", np.sqrt(2 / 400), np.sqrt(6 / 400)),
    ],
)
def test_kernels_are_drawn_as_the_initialiser_says(
    weight_init: str, std: float, bound: float
) -> None:
    config = RunConfig.parse({"weight_init": weight_init, "hidden_size": 400, "num_layers": 2})
    _, _, kernel, bias, *_ = build_mlp(config, SPEC).get_weights()
    assert kernel.std() == pytest.approx(std, rel=0.02)
    assert kernel.mean() == pytest.approx(0, abs=std / 100)
    assert np.abs(kernel).max() <= bound
    assert not bias.any()


def test_layers_of_one_shape_start_differently() -> None:
    weights = build_mlp(RunConfig(num_layers=4, hidden_size=6), SPEC).get_weights()
    hidden = [w for w in weights if w.shape == (6, 6)]
    assert len({w.tobytes() for w in hidden}) == 3


def test_a_seed_fixes_the_weights_with_and_without_dropout() -> None:
    def weights(**values: object) -> list[bytes]:
        model = build_mlp(RunConfig.parse({"hidden_size": 6, **values}), SPEC)
        return [w.tobytes() for w in model.get_weights()]

    assert weights(seed=3) == weights(seed=3) == weights(seed=3, dropout=0.5)
    assert weights(seed=3) != weights(seed=4)


def test_dropout_drops_in_training_only() -> None:
    model = build_mlp(RunConfig(dropout=0.5), SPEC)
    x = np.full((1, 4, 5, 2), 200, np.uint8)
    first, second = np.asarray(model(x, training=True)), np.asarray(model(x, training=True))
    assert (first != second).any()
    np.testing.assert_array_equal(model(x), model(x))


def _bag_of_words(**values: object) -> RunConfig:
    return RunConfig.parse({"dataset": "synthetic_reviews", "embedding_size": 5} | values)


def test_a_review_is_the_mean_of_its_words_without_padding() -> None:
    spec = reviews(words=12, vocabulary_size=30)
    model = build_mlp(_bag_of_words(num_layers=0), spec)
    table, kernel, bias = model.get_weights()
    x = random_examples(spec, 20)
    assert (x == 0).any()
    means = np.stack([table[review[review != 0]].mean(axis=0) for review in x])
    np.testing.assert_allclose(model(x), means @ kernel + bias, rtol=1e-4, atol=1e-6)


def test_a_review_without_words_is_zeros() -> None:
    spec = reviews()
    model = build_mlp(_bag_of_words(num_layers=0), spec)
    *rest, bias = model.get_weights()
    model.set_weights([*rest, bias + np.array([1, 2])])
    np.testing.assert_array_equal(model(np.zeros((3, 12), np.int32)), [[1, 2]] * 3)


def test_the_vector_of_padding_has_no_part_in_a_review() -> None:
    spec = reviews()
    model = build_mlp(_bag_of_words(num_layers=1), spec)
    x = random_examples(spec, 20)
    before = np.asarray(model(x))
    table, *rest = model.get_weights()
    table[0] = 1e6
    model.set_weights([table, *rest])
    np.testing.assert_allclose(model(x), before, rtol=1e-5)


def test_weight_decay_spares_the_table_of_words() -> None:
    model = build_mlp(_bag_of_words(num_layers=2), reviews())
    names = [v.name for v in model.trainable_variables]
    assert names == ["embeddings", *["kernel", "bias"] * 3]
