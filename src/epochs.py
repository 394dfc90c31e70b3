"""One epoch of training as a few compiled calls, which is where the speed comes from.

The data set stays in memory as uint8. An epoch is a seeded shuffle of it, cut into chunks of many
steps: the batches of a chunk are gathered first, then one compiled loop takes its steps. What does
not fill a chunk, at least the epoch's last batch, is taken step by step, and the norms measured.

XLA keeps every program that it compiled until the process ends, some 7 MB each. So compiled epochs
are kept too, and a later run of the same structure starts at once and costs no more memory.
"""

import math
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from src.config import RunConfig
from src.datasets.spec import InputSpec, Split
from src.model import NeuralNetwork

# Measured on a CPU: fewer steps a chunk pay more for each call, many more are slower again.
MAX_CHUNK_STEPS = 50
# Floating-point operations of a chunk at most, for a request to stop waits until its end.
MAX_CHUNK_FLOPS = 1e10

Tensor = Any  # TensorFlow ships no types


class Norms(NamedTuple):
    """Global L2 norms at one step: the gradient, the weights after it, what it changed in them."""

    gradient: float
    weights: float
    update: float


@dataclass
class EpochTotals:
    """What an epoch has summed up: over its examples, and at its last step.

    Attributes:
        examples: how many were seen.
        loss: sum of their data losses, each before the step that it is part of.
        correct: how many were classified right.
        norms: at the last step.
        learning_rate: at the last step.
        seconds: the wall time it took, in the first epoch with tracing and compiling.
        stopped: whether ``should_stop`` cut the epoch short.
    """

    examples: int = 0
    loss: float = 0.0
    correct: int = 0
    norms: Norms = field(default_factory=lambda: Norms(0.0, 0.0, 0.0))
    learning_rate: float = 0.0
    seconds: float = 0.0
    stopped: bool = False

    def add(self, examples: int, mean_loss: float, mean_accuracy: float) -> None:
        """Add some examples, by their means."""
        self.examples += examples
        self.loss += examples * mean_loss
        self.correct += round(examples * mean_accuracy)


class EpochRunner:
    """Trains a working copy of a network, one epoch at a time; all is traced within the first.

    Get one from :func:`epoch_runner`.

    Args:
        config: the run; it fixes the network, the optimizer and the batch size.
        spec: the examples.
        examples: how many there are.

    Attributes:
        network: the working copy.
    """

    def __init__(self, config: RunConfig, spec: InputSpec, examples: int) -> None:
        self.network = NeuralNetwork(config, spec)
        self.parameters = sum(math.prod(v.shape) for v in self.network.variables)
        self._optimizer = self.network.create_optimizer()
        self._batch_size = min(config.batch_size, examples)
        # The last batch, which may be smaller, is always a measured step of its own.
        steps = math.ceil(examples / self._batch_size) - 1
        self._chunk_steps = choose_chunk_steps(steps, 6 * self._batch_size * self.parameters)
        self._chunks = steps // self._chunk_steps if self._chunk_steps else 0
        self._run_chunk = tf.function(self._take_chunk, jit_compile=True, autograph=False)
        self._run_step = tf.function(
            self._take_measured_step,
            input_signature=[
                tf.TensorSpec((None, *spec.shape), spec.dtype),
                tf.TensorSpec((None,), tf.int32),
            ],
            autograph=False,
        )

    def start(self, network: NeuralNetwork, train: Split) -> None:
        """Begin a run, from the weights and the seed of ``network``, on these examples."""
        self._seed = network.config.seed
        for own, given in zip(self.network.model.variables, network.model.variables, strict=True):
            own.assign(given)  # dropout's random state is one of them
        self._optimizer.reset(network.config.learning_rate)
        # Batches, not the data set, go to an accelerator, which need not have room for all of it.
        with tf.device("CPU:0"):
            self._x, self._y = tf.constant(train.x), tf.constant(train.y)

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next epoch depends on besides the seed and the data, by name."""
        model = {f"model/{i}": v.numpy() for i, v in enumerate(self.network.model.variables)}
        return model | {f"optimizer/{k}": v for k, v in self._optimizer.state().items()}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on exactly where :meth:`state` was taken. Call :meth:`start` first.

        Raises:
            ValueError: if it is the state of another network or optimizer.
        """
        parts: dict[str, dict[str, NDArray[Any]]] = {"model": {}, "optimizer": {}}
        for name, value in state.items():
            part, _, rest = name.partition("/")
            parts[part][rest] = value
        self._optimizer.load_state(parts["optimizer"])
        for i, variable in enumerate(self.network.model.variables):
            variable.assign(parts["model"][str(i)])

    def release_data(self) -> None:
        """Let go of the examples."""
        del self._x, self._y

    def run(self, epoch: int, should_stop: Callable[[], bool]) -> EpochTotals:
        """Train for one epoch, or until ``should_stop`` or a loss that is not finite ends it.

        ``should_stop`` is asked after each chunk. An epoch cut short, too, ends with a measured
        step.
        """
        started = time.perf_counter()
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self._y))
        chunked, rest = np.split(order, [self._chunks * self._chunk_steps * self._batch_size])
        totals = EpochTotals()
        for indices in np.split(chunked, self._chunks) if self._chunks else []:
            x, y = self._gather(indices.reshape(self._chunk_steps, self._batch_size))
            loss, accuracy = self._run_chunk(x, y)
            totals.add(len(indices), float(loss), float(accuracy))
            totals.stopped = should_stop()
            if totals.stopped or not math.isfinite(totals.loss):
                rest = rest[: self._batch_size]
                break
        for start in range(0, len(rest), self._batch_size):
            x, y = self._gather(rest[start : start + self._batch_size])
            loss, accuracy, *norms = self._run_step(x, y)
            totals.add(len(y), float(loss), float(accuracy))
            totals.norms = Norms(*map(float, norms))
        totals.learning_rate = float(self._optimizer.learning_rate)
        totals.seconds = time.perf_counter() - started
        return totals

    def _gather(self, indices: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        with tf.device("CPU:0"):
            return tf.gather(self._x, indices), tf.gather(self._y, indices)

    def _take_chunk(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Steps over batches ``(steps, batch, ...)``: their mean loss and accuracy."""

        def step(i: Tensor, loss: Tensor, accuracy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            # The penalty is in the gradients; leaving it out of the sum saves computing it.
            taken = self.network.take_step(x[i], y[i], self._optimizer)
            return i + 1, loss + taken.data_loss, accuracy + taken.accuracy

        steps = self._chunk_steps
        _, loss, accuracy = tf.while_loop(lambda i, *_: i < steps, step, (0, 0.0, 0.0))
        return loss / steps, accuracy / steps

    def _take_measured_step(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        """One step: its loss, its accuracy, and the three norms in order."""
        before = [tf.identity(variable) for variable in self.network.variables]
        taken = self.network.take_step(x, y, self._optimizer)
        after = [tf.identity(variable) for variable in self.network.variables]
        return (
            taken.data_loss,
            taken.accuracy,
            tf.linalg.global_norm(taken.gradients),
            tf.linalg.global_norm(after),
            tf.linalg.global_norm([new - old for new, old in zip(after, before, strict=True)]),
        )


def choose_chunk_steps(steps: int, flops_per_step: float) -> int:
    """How many of an epoch's steps to compile into one chunk: 0 if there are none.

    At most ``MAX_CHUNK_STEPS`` and ``MAX_CHUNK_FLOPS``, and within a factor of two of that the
    number that leaves the fewest steps over.
    """
    most = min(MAX_CHUNK_STEPS, steps, max(1, int(MAX_CHUNK_FLOPS / flops_per_step)))
    return min(range(most, most // 2, -1), key=lambda size: steps % size, default=0)


# What a compiled epoch does not depend on. Any other field, a new one too, needs its own.
_NOT_COMPILED = (
    *("weight_init", "learning_rate", "seed", "dataset", "val_fraction"),
    *("epochs", "patience", "no_wandb", "run_name"),
)
# The kept runners' parameters at most; with Adam's slots that is 240 MB.
_MAX_KEPT_PARAMETERS = 20_000_000
_kept: dict[Hashable, EpochRunner] = {}


@contextmanager
def epoch_runner(network: NeuralNetwork, train: Split) -> Iterator[EpochRunner]:
    """Lend a runner for one training of ``network``: a new one, or one kept from an earlier run."""
    defaults = {name: RunConfig.model_fields[name].default for name in _NOT_COMPILED}
    key = (network.config.model_copy(update=defaults), network.spec, len(train))
    runner = _kept.pop(key, None) or EpochRunner(network.config, network.spec, len(train))
    runner.start(network, train)
    try:
        yield runner
    finally:
        runner.release_data()
        _kept[key] = runner
        while sum(kept.parameters for kept in _kept.values()) > _MAX_KEPT_PARAMETERS:
            del _kept[next(iter(_kept))]  # the one unused for longest
