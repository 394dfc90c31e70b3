"""The ways to train a model that are measured: one module a framework, each with its ``WAYS``.

Every way trains the same model from the same weights on the same examples, with batches of
``batch_size`` shuffled anew each epoch and Adam, and reports each epoch's mean loss and accuracy.
Each is written as its users write it, with what its documentation tells to do for speed.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.flops import training_flops
from benchmarks.problems import Problem, make_data
from src.datasets.spec import Split

EPSILON = 1e-7  # of Adam: frameworks have different defaults
# A trial that chooses among settings: XLA's convolutions can be many times slower, hence few steps.
_TRIAL_FLOPS = 5e9
_TRIAL_STEPS = (3, 50)  # at least, at most
_CHOSEN: dict[tuple[str, str], int] = {}  # by model and precision


@dataclass(frozen=True)
class Task:
    """What a way is asked to train.

    Attributes:
        problem: The model and the shape of its data.
        precision: To compute in, ``float32`` or ``bfloat16``; weights are float32 in both.
        data: The examples.
        weights: Initial values in the order of :func:`benchmarks.problems.initial_weights`.
    """

    problem: Problem
    precision: str
    data: Split
    weights: list[NDArray[np.float32]]

    @property
    def inputs(self) -> NDArray[Any]:
        """The examples as most users prepare them: pixels as normalised float32, words as int32."""
        spec = self.problem.spec
        if spec.kind == "reviews":
            return self.data.x
        mean, std = np.asarray(spec.mean, np.float32), np.asarray(spec.std, np.float32)
        return (self.data.x / np.float32(255) - mean) / std


@dataclass(frozen=True)
class Training:
    """A training that is ready to go.

    Attributes:
        epoch: Trains for one epoch; returns its mean loss and its accuracy.
        note: How, if the way chose among several.
    """

    epoch: Callable[[], tuple[float, float]]
    note: str = ""


Choice = TypeVar("Choice")


def cores() -> int:
    """The cores that this process may use: as many threads does each framework get."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def fastest(
    choices: Sequence[Choice], task: Task, train: Callable[[Task, Choice], Training]
) -> Choice:
    """The choice with the fastest second epoch on few examples; a model's is made only once.

    A choice that fails is not taken.

    Raises:
        Exception: The last choice's, if all fail.
    """
    if len(choices) == 1:
        return choices[0]
    key = (task.problem.title, task.precision)
    if key not in _CHOSEN:
        few = _few_examples(task)
        seconds = {}
        for i, choice in enumerate(choices):
            try:
                seconds[i] = _second_epoch(train(few, choice))
            except Exception:
                if i == len(choices) - 1 and not seconds:
                    raise
        _CHOSEN[key] = min(seconds, key=lambda i: seconds[i])
    return choices[_CHOSEN[key]]


def _few_examples(task: Task) -> Task:
    """The same task on as few examples as tell settings apart."""
    batch = task.problem.config.batch_size
    least, most = _TRIAL_STEPS
    steps = min(max(least, int(_TRIAL_FLOPS / (batch * training_flops(task.problem)))), most)
    problem = task.problem.resized(steps * batch)
    return replace(task, problem=problem, data=make_data(problem))


def _second_epoch(training: Training) -> float:
    training.epoch()
    started = time.perf_counter()
    training.epoch()
    return time.perf_counter() - started


def assign_kernels(variables: Sequence[Any], task: Task) -> None:
    """Give TensorFlow variables the common initial kernels.

    Kernels of the same shape come in the same order in every model. Biases and the scales of batch
    norms already start alike everywhere.

    Raises:
        ValueError: If these are not the variables of the task's model.
    """
    weights = [weight for weight in task.weights if weight.ndim > 1]
    for variable in variables:
        shape = tuple(variable.shape)
        if len(shape) < 2:
            continue
        place = next((i for i, weight in enumerate(weights) if weight.shape == shape), None)
        if place is None:
            raise ValueError(f"no initial weight has the shape {shape}")
        variable.assign(weights.pop(place))
    if weights:
        raise ValueError(f"no variable for the weights of shape {[w.shape for w in weights]}")
