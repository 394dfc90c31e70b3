"""What the architectures have in common: seeded initialisers, activations, dropout, inputs."""

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
    "orthogonal": lambda seed: keras.initializers.Orthogonal(seed=seed),
    "lecun": lambda seed: keras.initializers.LecunNormal(seed=seed),
}


class Layers:
    """Makes the layers of one network, as its config wants them.

    Kernels and dropout draw their seeds from two streams: with or without dropout, a seed gives
    the same initial kernels.
    """

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self._kernel_seeds = np.random.default_rng([config.seed, 0])
        self._dropout_seeds = np.random.default_rng([config.seed, 1])

    def initializer(self) -> Any:
        """The initialiser of the next kernel."""
        return INITIALIZERS[self.config.weight_init](_draw(self._kernel_seeds))

    def dense(self, units: int) -> Any:
        """A dense layer without an activation."""
        return keras.layers.Dense(units, kernel_initializer=self.initializer())

    def activation(self) -> Any:
        """The activation of hidden layers."""
        return keras.layers.Activation(self.config.activation)

    def dropout(self) -> list[Any]:
        """A dropout layer, if the config wants any."""
        if not self.config.dropout:
            return []
        return [keras.layers.Dropout(self.config.dropout, seed=_draw(self._dropout_seeds))]

    def batch_norm(self) -> list[Any]:
        """A batch-norm layer, if the config wants any."""
        return [keras.layers.BatchNormalization()] if self.config.batch_norm else []


def pixels(spec: InputSpec) -> list[Any]:
    """From uint8 pixels to numbers of mean 0 and variance 1 over the training set.

    It is part of the network, so nobody can forget it.
    """
    mean, std = np.asarray(spec.mean), np.asarray(spec.std)
    return [
        keras.Input(spec.shape, dtype="uint8"),
        keras.layers.Rescaling(scale=1 / (255 * std), offset=-mean / std),
    ]


def _draw(seeds: np.random.Generator) -> int:
    return int(seeds.integers(2**31))
