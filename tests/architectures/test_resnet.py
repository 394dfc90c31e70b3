"""ResNet-18: the published size and structure, on pictures of any size."""

import math
from collections import Counter

import keras
import numpy as np
import pytest

from src.architectures.resnet import build_resnet
from src.config.run_config import RunConfig
from tests.architectures.specs import pictures, random_examples


def _config(**values: object) -> RunConfig:
    return RunConfig.parse({"model": "resnet", "width": 4} | values)


def test_has_the_parameters_of_the_published_network() -> None:
    model = build_resnet(_config(width=64), pictures(32, 32, 3))
    assert sum(math.prod(v.shape) for v in model.trainable_variables) == 11_173_962


def test_has_eighteen_layers_with_weights_and_three_projections() -> None:
    model = build_resnet(_config(), pictures(32, 32, 3))
    kernels = [v.shape for v in model.trainable_variables if v.name == "kernel"]
    sizes = Counter(shape[:2] if len(shape) == 4 else "dense" for shape in kernels)
    assert sizes == {(3, 3): 17, "dense": 1, (1, 1): 3}


@pytest.mark.parametrize(
    ("shape", "last"), [((28, 28, 1), 4), ((32, 32, 3), 4), ((8, 8, 1), 1), ((3, 5, 2), 1)]
)
def test_takes_pictures_of_any_size(shape: tuple[int, ...], last: int) -> None:
    spec = pictures(*shape)
    model = build_resnet(_config(), spec)
    assert model(random_examples(spec, 2)).shape == (2, 10)
    final = [layer for layer in model.layers if layer.name.startswith("conv2d")][-1]
    assert final.output.shape[1] == last
    assert final.output.shape[3] == 8 * 4


def test_shortcuts_carry_the_picture_where_the_branches_give_nothing() -> None:
    spec = pictures(8, 8, 1)
    model = build_resnet(_config(), spec)
    branches = [add.input[0] for add in model.layers if isinstance(add, keras.layers.Add)]
    assert len(branches) == 8
    for branch in branches:
        gamma = branch._keras_history.operation.gamma
        gamma.assign(np.zeros(gamma.shape))
    logits = np.asarray(model(random_examples(spec, 4)))
    assert np.ptp(logits, axis=0).max() > 0.01
