"""The CNN: its blocks and head follow the config; pictures too small for it are refused."""

import numpy as np
import pytest

from src.architectures.cnn import build_cnn
from src.config.run_config import RunConfig
from src.shared.errors import UserError
from tests.architectures.specs import pictures, random_examples


def _config(**values: object) -> RunConfig:
    head = {} if values.get("head") == "global" else {"hidden_size": 7}
    return RunConfig.parse({"model": "cnn", "filters": (4, 6)} | head | values)


def _shapes(config: RunConfig, *shape: int) -> list[tuple[int, ...]]:
    return [v.shape for v in build_cnn(config, pictures(*shape)).trainable_variables]


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (8, 8, 1), (9, 5, 2)])
@pytest.mark.parametrize("head", ["dense", "global"])
def test_gives_logits_for_pictures_of_any_size(shape: tuple[int, ...], head: str) -> None:
    spec = pictures(*shape)
    model = build_cnn(_config(head=head), spec)
    assert model(random_examples(spec, 3)).shape == (3, 10)


def test_blocks_and_dense_head_follow_the_config() -> None:
    config = _config(convolutions=2, kernel_size=5, hidden_size=(7, 8))
    assert _shapes(config, 8, 8, 3) == [
        *[(5, 5, 3, 4), (4,), (5, 5, 4, 4), (4,)],
        *[(5, 5, 4, 6), (6,), (5, 5, 6, 6), (6,)],
        *[(2 * 2 * 6, 7), (7,), (7, 8), (8,), (8, 10), (10,)],
    ]


def test_a_global_head_is_the_logits_of_the_mean_over_the_picture() -> None:
    assert _shapes(_config(head="global"), 8, 8, 3)[-2:] == [(6, 10), (10,)]


def test_batch_norm_stands_in_for_the_biases_of_convolutions() -> None:
    assert _shapes(_config(batch_norm=True, head="global"), 8, 8, 3) == [
        *[(3, 3, 3, 4), (4,), (4,), (3, 3, 4, 6), (6,), (6,)],
        *[(6, 10), (10,)],
    ]


def test_only_the_first_convolution_of_a_block_strides() -> None:
    shapes = _shapes(_config(filters=4, convolutions=3, stride=3), 13, 13, 1)
    assert shapes[-4] == (2 * 2 * 4, 7)  # 13 / 3 is 5, rounded up, and half of that 2


@pytest.mark.parametrize(("pooling", "pool"), [("max", np.max), ("avg", np.mean)])
def test_pooling_takes_the_maximum_or_the_mean_of_two_by_two(pooling: str, pool: object) -> None:
    spec = pictures(4, 4, 1)
    values = {"filters": 1, "kernel_size": 1, "head": "global", "activation": "leaky_relu"}
    model = build_cnn(_config(**values, pooling=pooling), spec)
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1), np.ones((1, 10)), np.zeros(10)])
    x = random_examples(spec, 2)
    normalised = (x[..., 0] / 255 - 0.5) / 0.25
    hidden = np.where(normalised > 0, normalised, 0.2 * normalised)
    pooled = pool(hidden.reshape(2, 2, 2, 2, 2), axis=(2, 4))  # type: ignore[operator]
    expected = pooled.mean(axis=(1, 2))
    np.testing.assert_allclose(model(x)[:, 0], expected, rtol=1e-5, atol=1e-5)


def test_dropout_follows_each_block_and_hidden_layer_in_training_only() -> None:
    spec = pictures(8, 8, 1)
    model = build_cnn(_config(dropout=0.5), spec)
    assert [layer.name.startswith("dropout") for layer in model.layers].count(True) == 3
    x = random_examples(spec, 1)
    assert (np.asarray(model(x, training=True)) != np.asarray(model(x, training=True))).any()
    np.testing.assert_array_equal(model(x), model(x))


def test_as_many_blocks_as_the_pictures_allow_are_built() -> None:
    assert _shapes(_config(filters=(2, 2, 2)), 8, 8, 1)[-4] == (2, 7)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"filters": (2, 2, 2, 2)},
            "--filters: 8x9 pictures are too small for 4 blocks of stride 1; use at most 3 of them",
        ),
        (
            {"filters": (2, 2), "stride": 3},
            "--filters: 8x9 pictures are too small for 2 blocks of stride 3; use at most 1 of them",
        ),
        (
            {"filters": (2,), "stride": 8},
            "--stride: 8 leaves nothing of 8x9 pictures to halve; use a smaller one",
        ),
    ],
)
def test_pictures_too_small_are_refused_with_the_cure(values: object, message: str) -> None:
    with pytest.raises(UserError) as caught:
        build_cnn(_config(**values), pictures(8, 9, 1))  # type: ignore[arg-type]
    assert str(caught.value) == message
