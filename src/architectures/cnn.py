"""The convolutional network: blocks of convolutions, each halved by pooling, and a head."""

from typing import Any

import keras

from src.architectures.execution import PLAIN, Execution
from src.architectures.layers import Layers, pixels
from src.config.rules import why_blocks_are_too_many, why_stride_is_too_large
from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec
from src.shared.errors import UserError

_POOLING = {"max": keras.layers.MaxPooling2D, "avg": keras.layers.AveragePooling2D}


def build_cnn(config: RunConfig, spec: InputSpec, execution: Execution = PLAIN) -> Any:
    """Build the network that a config describes.

    Args:
        config: For each number in ``filters`` a block: ``convolutions`` times a convolution of
            ``kernel_size``, batch norm if wanted and the activation, the first convolution with
            ``stride``; then 2x2 ``pooling`` and dropout. The ``head`` is hidden dense layers of
            ``layer_sizes`` units, or the mean over the picture.
        spec: Shape and pixel statistics of the examples, and the number of classes.
        execution: How it will be executed.

    Returns:
        A ``keras.Model`` from uint8 pixels ``(batch, *spec.shape)`` to logits
        ``(batch, num_classes)``.

    Raises:
        UserError: If the pictures are too small for so many blocks, or for the stride.
    """
    height, width, _ = spec.shape
    if why := why_stride_is_too_large(config.stride, height, width):
        raise UserError(f"--stride: {why}")
    if why := why_blocks_are_too_many(len(config.filters), config.stride, height, width):
        raise UserError(f"--filters: {why}")
    make = Layers(config, execution)
    layers = pixels(spec)
    for filters in config.filters:
        for i in range(config.convolutions):
            stride = config.stride if i == 0 else 1
            bias = not config.batch_norm  # which adds its own
            layers += make.hidden(make.convolution(filters, config.kernel_size, stride, bias))
        layers += [_POOLING[config.pooling](2), *make.dropout()]
    layers += _head(make)
    return keras.Sequential([*layers, make.dense(spec.num_classes)])


def _head(make: Layers) -> list[Any]:
    if make.config.head == "global":
        return [keras.layers.GlobalAveragePooling2D()]
    return [keras.layers.Flatten(), *make.hidden_layers()]
