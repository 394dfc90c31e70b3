"""The plan of an epoch: which of its steps are taken by which compiled call."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from src.architectures.execution import Execution
from src.model import NeuralNetwork


class Call(NamedTuple):
    """One compiled call: its first step, and how many it takes."""

    first: int
    steps: int


class EpochPlan(NamedTuple):
    """How an epoch is cut into calls; the last is a single step, for its batch may be smaller.

    Attributes:
        batch_size: The examples of a step.
        steps: The steps of an epoch.
        chunk_steps: The steps of a call that takes several.
        calls: The calls in order.
    """

    batch_size: int
    steps: int
    chunk_steps: int
    calls: tuple[Call, ...]


def plan_epoch(network: NeuralNetwork, examples: int) -> EpochPlan:
    """Cut an epoch over so many examples as the network's execution says."""
    batch_size = min(network.config.batch_size, examples)
    steps = math.ceil(examples / batch_size)
    flops = batch_size * network.flops_per_example()
    chunk_steps = choose_chunk_steps(steps - 1, flops, network.execution)
    calls = _cut(steps - 1, chunk_steps, network.execution)
    return EpochPlan(batch_size, steps, chunk_steps, (*calls, Call(steps - 1, 1)))


def choose_chunk_steps(steps: int, flops_per_step: float, execution: Execution) -> int:
    """How many of so many steps to take in one call: 0 if there are none.

    At most what the execution allows, and within a factor of two of that the number that leaves
    the fewest steps over.
    """
    allowed = max(1, int(execution.chunk_flops / max(flops_per_step, 1)))
    most = min(execution.chunk_steps, steps, allowed)
    return min(range(most, most // 2, -1), key=lambda size: steps % size, default=0)


def _cut(steps: int, chunk_steps: int, execution: Execution) -> Iterator[Call]:
    done = 0
    while done < steps:
        size = min(chunk_steps, steps - done)
        if size < chunk_steps and execution.jit:
            size = 1  # XLA makes a program for each size of a chunk, so it has one
        yield Call(done, size)
        done += size
