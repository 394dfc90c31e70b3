"""The multilayer perceptron: flattened pixels through a stack of dense layers to logits."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from src.config import RunConfig
from src.datasets.spec import InputSpec

# Keras initialisers by the name that RunConfig gives them; each takes a seed.
INITIALIZERS: dict[str, Callable[[int], Any]] = {
    "random": lambda seed: keras.initializers.RandomNormal(stddev=0.05, seed=seed),
    "xavier": lambda seed: keras.initializers.GlorotUniform(seed=seed),
    "he": lambda seed: keras.initializers.HeUniform(seed=seed),
}


def build_mlp(config: RunConfig, spec: InputSpec) -> Any:
    """Build the network that a config describes.

    Args:
        config: ``num_layers`` hidden layers (0 is softmax regression) of ``hidden_size`` units.
        spec: shape and pixel statistics of the examples, and the number of classes.

    Returns:
        A ``keras.Model`` from uint8 pixels ``(batch, *spec.shape)`` to logits
        ``(batch, num_classes)``. Normalising by the mean and standard deviation of the training
        set is its first layer, so nobody can forget it.
    """
    # Two streams: with or without dropout, a seed gives the same initial kernels.
    kernel_seeds = np.random.default_rng([config.seed, 0])
    dropout_seeds = np.random.default_rng([config.seed, 1])

    def dense(units: int, activation: str | None) -> Any:
        initializer = INITIALIZERS[config.weight_init](_draw(kernel_seeds))
        return keras.layers.Dense(units, activation, kernel_initializer=initializer)

    mean, std = np.asarray(spec.mean), np.asarray(spec.std)
    layers = [
        keras.Input(spec.shape, dtype="uint8"),
        keras.layers.Rescaling(scale=1 / (255 * std), offset=-mean / std),
        keras.layers.Flatten(),
    ]
    for _ in range(config.num_layers):
        layers.append(dense(config.hidden_size, config.activation))
        if config.dropout:
            layers.append(keras.layers.Dropout(config.dropout, seed=_draw(dropout_seeds)))
    layers.append(dense(spec.num_classes, activation=None))
    return keras.Sequential(layers)


def _draw(seeds: np.random.Generator) -> int:
    return int(seeds.integers(2**31))
