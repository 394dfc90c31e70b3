"""One epoch of training as a few compiled calls, which is where the speed comes from.

The data set stays in memory, pixels as uint8. An epoch is a seeded shuffle of it, cut into chunks
of many steps: the batches of a chunk are gathered first, then one compiled loop takes its steps.
What does not fill a chunk, at least the epoch's last batch, is taken step by step, and the norms
measured.
"""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from src.datasets.spec import Split
from src.model import NeuralNetwork, Step
from src.optimizers.schedules import learning_rates
from src.training import devices
from src.training.augmentation import augment
from src.training.plan import plan_epoch

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
        examples: How many examples were seen.
        loss: The sum of their data losses, each before the step that it is part of.
        correct: How many were classified right.
        norms: At the last step.
        learning_rate: At the last step.
        seconds: The wall time it took, in the first epoch with tracing and compiling.
        stopped: Whether ``should_stop`` cut the epoch short.
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

    Get one from :func:`~src.training.kept.epoch_runner`.

    Args:
        network: What to copy; its config fixes the optimizer and the batch size, its execution how
            the steps are executed.
        examples: How many there are to train on.

    Attributes:
        network: The working copy.
        parameters: How many it has.
    """

    def __init__(self, network: NeuralNetwork, examples: int) -> None:
        spec, execution = network.spec, network.execution
        self._strategy = devices.strategy_for(execution)
        with self._strategy.scope():
            self.network = NeuralNetwork(network.config, spec, execution)
        self.parameters = sum(math.prod(v.shape) for v in self.network.variables)
        self._optimizer = self.network.create_optimizer()
        self._seed = tf.Variable(0, trainable=False)
        self._plan = plan = plan_epoch(self.network, examples)
        # XLA makes a program for each size of a chunk, so it has one; a graph takes any.
        steps = plan.chunk_steps if execution.jit else None
        batch = (tf.TensorSpec((None, *spec.shape), spec.dtype), tf.TensorSpec((None,), tf.int32))
        self._run_chunk = tf.function(
            self._take_chunk,
            input_signature=[
                *(tf.TensorSpec((steps, plan.batch_size, *b.shape[1:]), b.dtype) for b in batch),
                tf.TensorSpec((steps,), tf.float32),
            ],
            jit_compile=execution.jit,
            autograph=False,
        )
        self._run_step = tf.function(
            self._take_measured_step,
            input_signature=[*batch, tf.TensorSpec((), tf.float32)],
            autograph=False,
        )

    def start(self, network: NeuralNetwork, train: Split) -> None:
        """Begin a run, from the weights and the seed of ``network``, on these examples."""
        self._config = network.config
        self._seed.assign(network.config.seed)
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
            ValueError: If it is the state of another network or optimizer.
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

    def run_epoch(self, epoch: int, should_stop: Callable[[], bool]) -> EpochTotals:
        """Train for one epoch, or until ``should_stop`` or a loss that is not finite ends it.

        ``should_stop`` is asked after each chunk. An epoch cut short, too, ends with a measured
        step.
        """
        started = time.perf_counter()
        order = np.random.default_rng([self._config.seed, epoch]).permutation(len(self._y))
        rates = learning_rates(self._config, epoch, self._plan.steps)
        totals = EpochTotals()
        for first, count, x, y in self._gather_ahead(order):
            self._take(totals, x, y, rates[first : first + count])
            finished = first + count == self._plan.steps
            totals.stopped = not finished and should_stop()
            if totals.stopped or not math.isfinite(totals.loss):
                if count > 1:
                    x, y = self._gather(order, first + count, 1)
                    self._take(totals, x, y, rates[first + count :][:1])
                break
        totals.seconds = time.perf_counter() - started
        return totals

    def _gather_ahead(self, order: NDArray[np.int64]) -> Iterator[tuple[int, int, Tensor, Tensor]]:
        """What the plan says, each with its examples, gathered while those before are computed."""
        with ThreadPoolExecutor(1) as thread:
            calls = self._plan.calls
            gathered = thread.submit(self._gather, order, *calls[0])
            for (first, count), following in itertools.zip_longest(calls, calls[1:]):
                x, y = gathered.result()
                if following:
                    gathered = thread.submit(self._gather, order, *following)
                yield first, count, x, y

    def _gather(self, order: NDArray[np.int64], first: int, count: int) -> tuple[Tensor, Tensor]:
        """The examples of some steps: ``(batch, ...)`` of one, ``(steps, batch, ...)`` of more."""
        batch_size = self._plan.batch_size
        indices = order[first * batch_size :][: count * batch_size]
        if count > 1:
            indices = indices.reshape(count, batch_size)
        with tf.device("CPU:0"):
            return tf.gather(self._x, indices), tf.gather(self._y, indices)

    def _take(self, totals: EpochTotals, x: Tensor, y: Tensor, rates: NDArray[np.float32]) -> None:
        """Take one step for each of the rates; a single one is measured."""
        if len(rates) == 1:
            loss, accuracy, *norms = self._run_step(x, y, rates[0])
            totals.norms = Norms(*map(float, norms))
        else:
            loss, accuracy = self._run_chunk(x, y, rates)
        totals.add(int(tf.size(y)), float(loss), float(accuracy))
        totals.learning_rate = float(rates[-1])

    def _take_chunk(self, x: Tensor, y: Tensor, rates: Tensor) -> tuple[Tensor, Tensor]:
        """Steps over batches ``(steps, batch, ...)``: their mean loss and accuracy."""
        steps = self._plan.chunk_steps if self.network.execution.jit else tf.shape(x)[0]

        def step(i: Tensor, loss: Tensor, accuracy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            # XLA computes no penalty where only its gradient is asked for.
            taken = self._take_step(x[i], y[i], rates[i])
            return i + 1, loss + taken.data_loss, accuracy + taken.accuracy

        _, loss, accuracy = tf.while_loop(lambda i, *_: i < steps, step, (0, 0.0, 0.0))
        count = tf.cast(steps, tf.float32)
        return loss / count, accuracy / count

    def _take_step(self, x: Tensor, y: Tensor, rate: Tensor) -> Step:
        config = self.network.config
        self._optimizer.learning_rate.assign(rate)
        if config.shift or config.flip or config.cutout:
            seed = tf.stack([self._seed, tf.cast(self._optimizer.iterations, tf.int32)])
            x = augment(x, config, seed)
        if self.network.execution.devices:
            return devices.take_step(self.network, self._strategy, x, y, self._optimizer)
        return self.network.take_step(x, y, self._optimizer)

    def _take_measured_step(self, x: Tensor, y: Tensor, rate: Tensor) -> tuple[Tensor, ...]:
        """One step: its loss, its accuracy, and the three norms in order."""
        before = [tf.identity(variable) for variable in self.network.variables]
        taken = self._take_step(x, y, rate)
        after = [tf.identity(variable) for variable in self.network.variables]
        return (
            taken.data_loss,
            taken.accuracy,
            tf.linalg.global_norm(taken.gradients),
            tf.linalg.global_norm(after),
            tf.linalg.global_norm([new - old for new, old in zip(after, before, strict=True)]),
        )
