"""The floating-point operations that training takes, as a model's mathematics has them.

Counted are the multiplications and additions of matrix products and convolutions: 2 for each
multiply-add. Training takes each product three times: forward, for the gradient of its weights,
and for the gradient of its input, which the layers that see the data themselves do not need.
Left out are activations, normalisations, the loss, and the optimizer, all small beside these.
A share of the machine's peak is thus what an implementation gets done, not how busy it is.
"""

from itertools import pairwise

import numpy as np

from benchmarks.problems import Problem, resnet_blocks


def training_flops(problem: Problem) -> int:
    """Floating-point operations of one example's forward and backward pass.

    Raises:
        KeyError: For a model that is not counted.
    """
    products = {"mlp": _mlp, "cnn": _cnn, "rnn": _rnn, "resnet": _resnet}[problem.config.model](
        problem
    )
    first = 0 if problem.config.model == "rnn" else products[0]  # an embedding wants its gradient
    return 2 * (3 * sum(products) - first)


def _mlp(problem: Problem) -> list[int]:
    """Multiply-adds of each product, forward."""
    sizes = (int(np.prod(problem.spec.shape)), *problem.config.layer_sizes)
    return [a * b for a, b in pairwise((*sizes, problem.spec.num_classes))]


def _cnn(problem: Problem) -> list[int]:
    config, spec = problem.config, problem.spec
    side, _, channels = spec.shape
    products = []
    for filters in config.filters:
        for _ in range(config.convolutions):
            products.append(side**2 * config.kernel_size**2 * channels * filters)
            channels = filters
        side //= 2
    sizes = (side**2 * channels, *config.layer_sizes, spec.num_classes)
    return products + [a * b for a, b in pairwise(sizes)]


def _rnn(problem: Problem) -> list[int]:
    config, spec = problem.config, problem.spec
    (units,) = config.layer_sizes
    directions = 2 if config.bidirectional else 1
    steps = directions * spec.shape[0]
    per_step = [config.embedding_size * 4 * units, units * 4 * units]
    return [*(steps * product for product in per_step), directions * units * spec.num_classes]


def _resnet(problem: Problem) -> list[int]:
    side, _, channels = problem.spec.shape
    width = problem.config.width
    products = [side**2 * 9 * channels * width]
    channels = width
    for filters, stride in resnet_blocks(width):
        side //= stride
        products += [side**2 * 9 * channels * filters, side**2 * 9 * filters**2]
        if stride != 1 or channels != filters:
            products.append(side**2 * channels * filters)
        channels = filters
    return [*products, channels * problem.spec.num_classes]
