"""What every family shares: initialisers, seeds, activations, precision, a step that trains all."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest
from scipy import special

from src.architectures import build_model
from src.architectures.layers import INITIALIZERS, Layers
from src.config.fields import choices
from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec
from src.model import NeuralNetwork
from tests.architectures.specs import pictures, random_examples, reviews

FAMILIES: dict[str, tuple[dict[str, Any], InputSpec]] = {
    "mlp": ({"num_layers": 2, "hidden_size": 8, "batch_norm": True}, pictures(8, 8, 1)),
    "mlp on reviews": (
        {"num_layers": 1, "dataset": "synthetic_reviews", "embedding_size": 4},
        reviews(),
    ),
    "cnn": ({"model": "cnn", "filters": (4, 6), "convolutions": 2}, pictures(8, 8, 3)),
    "cnn, global": (
        {"model": "cnn", "filters": (4, 6), "batch_norm": True, "head": "global"},
        pictures(8, 8, 3),
    ),
    "resnet": ({"model": "resnet", "width": 4}, pictures(8, 8, 1)),
}
every_family = pytest.mark.parametrize("family", FAMILIES)


def _weights(family: str, **values: Any) -> list[bytes]:
    settings, spec = FAMILIES[family]
    model = build_model(RunConfig.parse(settings | values), spec)
    return [v.numpy().tobytes() for v in model.trainable_variables]


@every_family
def test_a_seed_fixes_the_initial_weights_and_nothing_else_does(family: str) -> None:
    first = _weights(family, seed=3)
    assert first == _weights(family, seed=3)
    assert first != _weights(family, seed=4)
    if family != "resnet":
        assert first == _weights(family, seed=3, dropout=0.5)


@every_family
def test_no_two_layers_share_a_seed(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    def recording(seed: int) -> Any:
        seeds.append(seed)
        return keras.initializers.GlorotUniform(seed)

    monkeypatch.setitem(INITIALIZERS, "xavier", recording)
    settings, spec = FAMILIES[family]
    model = build_model(RunConfig.parse(settings), spec)
    kernels = [v for v in model.trainable_variables if v.name == "kernel"]
    assert len(set(seeds)) == len(kernels) > 1


@every_family
@pytest.mark.parametrize("precision", choices(RunConfig.model_fields["precision"]))
def test_one_step_changes_every_trainable_variable(family: str, precision: str) -> None:
    settings, spec = FAMILIES[family]
    config = RunConfig.parse(settings | {"precision": precision})
    network = NeuralNetwork(config, spec)
    before = [v.numpy() for v in network.variables]
    x = random_examples(spec, 15)
    y = (np.arange(15) % spec.num_classes).astype(np.int32)
    loss, _ = network.train_step(x, y, network.create_optimizer())
    assert np.isfinite(loss)
    for old, variable in zip(before, network.variables, strict=True):
        assert variable.dtype == "float32"
        assert (old != variable.numpy()).any(), variable.name


@every_family
def test_bfloat16_gives_almost_the_logits_of_float32(family: str) -> None:
    settings, spec = FAMILIES[family]
    x = random_examples(spec, 16)
    networks = [
        NeuralNetwork(RunConfig.parse(settings | {"precision": precision}), spec)
        for precision in ("float32", "bfloat16")
    ]
    exact, rounded = (np.asarray(network.forward(x)) for network in networks)
    assert (exact != rounded).any()
    np.testing.assert_allclose(rounded, exact, atol=0.05 * np.abs(exact).max())


@pytest.mark.parametrize("family", ["mlp", "cnn", "resnet"])
@pytest.mark.parametrize("activation", choices(RunConfig.model_fields["activation"]))
def test_every_activation_is_what_the_hidden_layers_use(family: str, activation: str) -> None:
    settings, spec = FAMILIES[family]
    model = build_model(RunConfig.parse(settings | {"activation": activation}), spec)
    used = [layer for layer in model.layers if isinstance(layer, keras.layers.Activation)]
    assert len(used) == {"mlp": 2, "cnn": 5, "resnet": 17}[family]
    assert np.isfinite(model(random_examples(spec, 2))).all()
    z = np.linspace(-4, 4, 33, dtype=np.float32)
    expected = {
        "sigmoid": special.expit(z),
        "tanh": np.tanh(z),
        "relu": np.maximum(z, 0),
        "gelu": z * special.ndtr(z),
        "leaky_relu": np.where(z > 0, z, 0.2 * z),
        "elu": np.where(z > 0, z, np.expm1(z)),
        "swish": z * special.expit(z),
    }
    for layer in used:
        np.testing.assert_allclose(layer(z), expected[activation], atol=1e-5)


def _kernel(weight_init: str, kind: str) -> Any:
    """The initial kernel of a layer with 576 inputs a unit and 288 units or filters."""
    make = Layers(RunConfig.parse({"weight_init": weight_init}))
    layer = make.dense(288) if kind == "dense" else make.convolution(288, 3)
    layer.build((None, 576) if kind == "dense" else (None, 8, 8, 64))
    return layer.get_weights()[0]


@pytest.mark.parametrize("kind", ["dense", "convolution"])
@pytest.mark.parametrize("weight_init", choices(RunConfig.model_fields["weight_init"]))
def test_kernels_have_the_spread_that_their_initialiser_promises(
    weight_init: str, kind: str
) -> None:
    kernel = _kernel(weight_init, kind)
    fan_in, fan_out = 576, 288 * (9 if kind == "convolution" else 1)
    promised = {
        "random": 0.05,
        "xavier": np.sqrt(2 / (fan_in + fan_out)),
        "he": np.sqrt(2 / fan_in),
        "lecun": np.sqrt(1 / fan_in),
        "orthogonal": np.sqrt(1 / fan_in),  # of columns of length 1
    }
    assert kernel.std() == pytest.approx(promised[weight_init], rel=0.02)
    assert kernel.mean() == pytest.approx(0, abs=promised[weight_init] / 50)
    uniform = weight_init in ("xavier", "he")
    farthest = np.abs(kernel).max() / kernel.std()
    assert farthest <= np.sqrt(3) * 1.02 if uniform else farthest > 2


@pytest.mark.parametrize("kind", ["dense", "convolution"])
def test_the_columns_of_an_orthogonal_kernel_are_orthonormal(kind: str) -> None:
    columns = _kernel("orthogonal", kind).reshape(576, 288)
    np.testing.assert_allclose(columns.T @ columns, np.eye(288), atol=1e-5)


def test_tables_of_words_start_small_and_no_two_alike() -> None:
    make = Layers(RunConfig.parse({"dataset": "synthetic_reviews", "embedding_size": 30}))
    layers = [make.embedding(reviews(vocabulary_size=30)) for _ in range(3)]
    tables = [layer(np.arange(30)).numpy() for layer in layers]
    for first, second in itertools.combinations(tables, 2):
        assert np.abs(first - second).max() > 0.01
    assert np.abs(tables).max() <= 0.05
