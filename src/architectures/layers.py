"""What the architectures have in common: seeded initialisers, activations, dropout, inputs."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from src.architectures.batch_norm import BatchNorm
from src.architectures.dropout import Dropout
from src.architectures.execution import PLAIN, Execution
from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec

# Keras initialisers by the name that RunConfig gives them; each takes a seed. xavier is Glorot &
# Bengio 2010 (proceedings.mlr.press/v9/glorot10a), he is He et al. 2015 (arXiv:1502.01852),
# orthogonal Saxe et al. 2014 (arXiv:1312.6120), lecun LeCun et al. 1998 ("Efficient BackProp").
INITIALIZERS: dict[str, Callable[[int], Any]] = {
    "random": lambda seed: keras.initializers.RandomNormal(stddev=0.05, seed=seed),
    "xavier": lambda seed: keras.initializers.GlorotUniform(seed=seed),
    "he": lambda seed: keras.initializers.HeUniform(seed=seed),
    "orthogonal": lambda seed: keras.initializers.Orthogonal(seed=seed),
    "lecun": lambda seed: keras.initializers.LecunNormal(seed=seed),
}


class Layers:
    """Makes the layers of one network, as its config wants them.

    Weights and dropout draw their seeds from two streams: with or without dropout, a seed gives
    the same initial weights.

    Attributes:
        config: The run.
        execution: How the network will be executed.
    """

    def __init__(self, config: RunConfig, execution: Execution = PLAIN) -> None:
        self.config, self.execution = config, execution
        self._weight_seeds = np.random.default_rng([config.seed, 0])
        self._dropout_seeds = np.random.default_rng([config.seed, 1])

    def initializer(self) -> Any:
        """The initialiser of the next kernel."""
        return INITIALIZERS[self.config.weight_init](_draw(self._weight_seeds))

    def orthogonal(self) -> Any:
        """The initialiser of the next recurrent kernel."""
        return INITIALIZERS["orthogonal"](_draw(self._weight_seeds))

    def dense(self, units: int) -> Any:
        """A dense layer without an activation."""
        return keras.layers.Dense(units, kernel_initializer=self.initializer())

    def embedding(self, spec: InputSpec) -> Any:
        """Words to vectors of ``embedding_size``, and a mask of which of them are not padding.

        It is in float32 always: the gradient of a frequent word is a sum of thousands of terms.
        It has an initialiser of its own: a lookup table has no fan-in, which those of kernels need.
        """
        return keras.layers.Embedding(
            spec.vocabulary_size,
            self.config.embedding_size,
            embeddings_initializer=keras.initializers.RandomUniform(
                -0.05, 0.05, seed=_draw(self._weight_seeds)
            ),
            mask_zero=True,
            dtype="float32",
        )

    def convolution(
        self, filters: int, kernel_size: int, stride: int = 1, bias: bool = True
    ) -> Any:
        """A convolution without an activation; it divides the sides by its stride, rounding up."""
        return keras.layers.Conv2D(
            filters,
            kernel_size,
            strides=stride,
            padding="same",
            use_bias=bias,
            kernel_initializer=self.initializer(),
        )

    def hidden_layers(self) -> list[Any]:
        """A stack of dense layers of ``layer_sizes`` units, each with all that goes with it."""
        layers = []
        for units in self.config.layer_sizes:
            layers += [*self.hidden(self.dense(units)), *self.dropout()]
        return layers

    def hidden(self, layer: Any) -> list[Any]:
        """A layer with the batch norm that the config may want, and the activation."""
        norm = [self.batch_norm()] if self.config.batch_norm else []
        return [layer, *norm, self.activation()]

    def activation(self) -> Any:
        """The activation of hidden layers."""
        return keras.layers.Activation(self.config.activation)

    def dropout(self) -> list[Any]:
        """A dropout layer, if the config wants any."""
        if not self.config.dropout:
            return []
        return [Dropout(self.config.dropout, _draw(self._dropout_seeds))]

    def batch_norm(self) -> Any:
        """A layer that normalises over the batch; the activation may follow."""
        return BatchNorm(before=self.config.activation)


def pixels(spec: InputSpec) -> list[Any]:
    """From uint8 pixels to numbers of mean 0 and variance 1 over the training set.

    It is part of the network, so nobody can forget it.
    """
    mean, std = np.asarray(spec.mean), np.asarray(spec.std)
    return [
        keras.Input(spec.shape, dtype="uint8"),
        # Rounded once, where the precision is lower: by the layer that takes it.
        keras.layers.Rescaling(scale=1 / (255 * std), offset=-mean / std, dtype="float32"),
    ]


def _draw(seeds: np.random.Generator) -> int:
    return int(seeds.integers(2**31))
