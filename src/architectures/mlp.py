"""The multilayer perceptron: flattened pixels through a stack of dense layers to logits."""

from typing import Any

import keras

from src.architectures.layers import Layers, pixels
from src.config import RunConfig
from src.datasets.spec import InputSpec


def build_mlp(config: RunConfig, spec: InputSpec) -> Any:
    """Build the network that a config describes.

    Args:
        config: ``num_layers`` hidden layers (0 is softmax regression) of ``hidden_size`` units.
        spec: shape and pixel statistics of the examples, and the number of classes.

    Returns:
        A ``keras.Model`` from uint8 pixels ``(batch, *spec.shape)`` to logits
        ``(batch, num_classes)``.
    """
    make = Layers(config)
    layers = [*pixels(spec), keras.layers.Flatten(), *make.hidden_layers()]
    return keras.Sequential([*layers, make.dense(spec.num_classes)])
