"""ResNet-18 in its CIFAR form."""

from typing import Any

import keras

from src.architectures.execution import PLAIN, Execution
from src.architectures.layers import Layers, pixels
from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec

_BLOCKS_PER_STAGE = 2
_STRIDES = (1, 2, 2, 2)  # of each stage's first block


def build_resnet(config: RunConfig, spec: InputSpec, execution: Execution = PLAIN) -> Any:
    """Build ResNet-18 (He et al. 2016, "Deep residual learning", arXiv:1512.03385).

    It has the four stages of two basic blocks that the paper's table 1 gives ResNet-18, and the
    stem of the paper's CIFAR networks (section 4.2): one 3x3 convolution of stride 1 and no
    pooling, for small pictures. This is the form that github.com/kuangliu/pytorch-cifar made
    common; at width 64 with ten classes and three channels it has 11,173,962 parameters. A shortcut
    is the identity, or a 1x1 projection with batch norm where the shape changes (the paper's B).

    Args:
        config: ``width`` filters in the first stage, twice as many in each further one.
        spec: Shape and pixel statistics of the examples, and the number of classes.
        execution: How it will be executed.

    Returns:
        A ``keras.Model`` from uint8 pixels ``(batch, *spec.shape)`` to logits
        ``(batch, num_classes)``.
    """
    make = Layers(config, execution)
    inputs, normalise = pixels(spec)
    x = _convolve(make, normalise(inputs), config.width, 3)
    x = make.activation()(x)
    for stage, stride in enumerate(_STRIDES):
        for block in range(_BLOCKS_PER_STAGE):
            x = _basic_block(make, x, config.width * 2**stage, stride if block == 0 else 1)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, make.dense(spec.num_classes)(x))


def _basic_block(make: Layers, x: Any, filters: int, stride: int) -> Any:
    """Two 3x3 convolutions beside a shortcut."""
    shortcut = x
    if stride > 1 or x.shape[-1] != filters:
        shortcut = _convolve(make, x, filters, 1, stride)
    x = make.activation()(_convolve(make, x, filters, 3, stride))
    x = _convolve(make, x, filters, 3)
    return make.activation()(keras.layers.add([x, shortcut]))


def _convolve(make: Layers, x: Any, filters: int, kernel_size: int, stride: int = 1) -> Any:
    """A convolution and its batch norm, which makes a bias needless."""
    return make.batch_norm()(make.convolution(filters, kernel_size, stride, bias=False)(x))
