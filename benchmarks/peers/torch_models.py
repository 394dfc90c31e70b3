"""The models as PyTorch's users write them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.problems import Problem, Weights, resnet_blocks

_NORM_EPSILON = 1e-3  # Keras's


def _mlp(problem: Problem) -> nn.Module:
    layers: list[nn.Module] = [nn.Flatten()]
    size = int(np.prod(problem.spec.shape))
    for units in problem.config.layer_sizes:
        layers += [nn.Linear(size, units), nn.ReLU(inplace=True)]
        size = units
    return nn.Sequential(*layers, nn.Linear(size, problem.spec.num_classes))


def _cnn(problem: Problem) -> nn.Module:
    config, spec = problem.config, problem.spec
    layers: list[nn.Module] = []
    channels = spec.shape[-1]
    for filters in config.filters:
        for _ in range(config.convolutions):
            convolution = nn.Conv2d(channels, filters, config.kernel_size, padding="same")
            layers += [convolution, nn.ReLU(inplace=True)]
            channels = filters
        layers.append(nn.MaxPool2d(2))
    layers.append(nn.Flatten())
    size = (spec.shape[0] // 2 ** len(config.filters)) ** 2 * channels
    for units in config.layer_sizes:
        layers += [nn.Linear(size, units), nn.ReLU(inplace=True)]
        size = units
    return nn.Sequential(*layers, nn.Linear(size, spec.num_classes))


class _Recurrent(nn.Module):  # type: ignore[misc]
    def __init__(self, problem: Problem) -> None:
        super().__init__()
        config, spec = problem.config, problem.spec
        (units,) = config.layer_sizes
        self.embedding = nn.Embedding(spec.vocabulary_size, config.embedding_size)
        self.lstm = nn.LSTM(config.embedding_size, units, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * units, spec.num_classes)

    def forward(self, words: Any) -> Any:
        _, (state, _) = self.lstm(self.embedding(words))
        return self.head(torch.cat([state[0], state[1]], dim=1))


def _convolution(inputs: int, outputs: int, side: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outputs, eps=_NORM_EPSILON)]


class _Block(nn.Module):  # type: ignore[misc]
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        first = _convolution(inputs, outputs, 3, stride)
        second = _convolution(outputs, outputs, 3, 1)
        self.body = nn.Sequential(*first, nn.ReLU(inplace=True), *second)
        changes = stride != 1 or inputs != outputs
        self.shortcut = nn.Sequential(*_convolution(inputs, outputs, 1, stride) if changes else [])

    def forward(self, x: Any) -> Any:
        return nn.functional.relu(self.body(x) + self.shortcut(x))


def _resnet(problem: Problem) -> nn.Module:
    channels = problem.config.width
    layers = [*_convolution(problem.spec.shape[-1], channels, 3, 1), nn.ReLU(inplace=True)]
    for filters, stride in resnet_blocks(channels):
        layers.append(_Block(channels, filters, stride))
        channels = filters
    head = nn.Linear(channels, problem.spec.num_classes)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)


_BUILDERS: dict[str, Callable[[Problem], nn.Module]] = {
    "mlp": _mlp,
    "cnn": _cnn,
    "rnn": _Recurrent,
    "resnet": _resnet,
}


def build(problem: Problem, weights: Weights) -> Any:
    """The model, from prepared inputs to logits, with these initial weights in Keras's layouts."""
    model = _BUILDERS[problem.config.model](problem)
    given = iter(weights)
    channels = 1
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                _copy(module.weight, next(given).transpose(3, 2, 0, 1))
                channels = module.out_channels
            elif isinstance(module, nn.Linear):
                _copy(module.weight, _flattened(next(given), channels).T)
                channels = 1
            elif isinstance(module, nn.BatchNorm2d | nn.Embedding):
                _copy(module.weight, next(given))
            elif isinstance(module, nn.LSTM):
                for end in ("l0", "l0_reverse"):
                    _copy(getattr(module, f"weight_ih_{end}"), next(given).T)
                    _copy(getattr(module, f"weight_hh_{end}"), next(given).T)
                    _copy(getattr(module, f"bias_ih_{end}"), next(given))
                    getattr(module, f"bias_hh_{end}").zero_()  # Keras has one bias, PyTorch two
            if isinstance(getattr(module, "bias", None), nn.Parameter):
                _copy(module.bias, next(given))
    return model


def _copy(parameter: Any, value: Any) -> None:
    parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))


def _flattened(kernel: Any, channels: int) -> Any:
    """A kernel that sees a flattened picture: PyTorch's pictures have the channels first."""
    if len(kernel) == channels or channels == 1:
        return kernel
    side = math.isqrt(len(kernel) // channels)
    return kernel.reshape(side**2, channels, -1).transpose(1, 0, 2).reshape(kernel.shape)
