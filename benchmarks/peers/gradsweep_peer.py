"""Gradsweep: an epoch of its engine, executed as it chooses itself."""

import itertools
import time

from benchmarks.peers import Task, Training, assign_kernels
from src.training.tensorflow import start_tensorflow

start_tensorflow()

import tensorflow as tf  # noqa: E402

from src.training.epoch import EpochRunner  # noqa: E402
from src.training.execution import build_network  # noqa: E402
from src.training.loop import never  # noqa: E402

_SIDE = 1536  # of the matrices that the peak is measured with
_PRODUCTS = 4


def gradsweep(task: Task) -> Training:
    """Shuffling, metrics and the norms of the epoch's last step included, as in every run."""
    problem = task.problem
    config = problem.config.model_copy(update={"precision": task.precision})
    network = build_network(config, problem.spec, problem.examples)
    assign_kernels(network.variables, task)
    runner = EpochRunner(network, problem.examples)
    runner.start(network, task.data)
    epochs = itertools.count(1)

    def epoch() -> tuple[float, float]:
        totals = runner.run_epoch(next(epochs), never)
        return totals.loss / totals.examples, totals.correct / totals.examples

    return Training(epoch, "XLA" if network.execution.jit else "TensorFlow graph")


def multiply(precision: str) -> float:
    """Floating-point operations a second of the best of some large matrix products."""
    matrix = tf.cast(tf.random.stateless_uniform((_SIDE, _SIDE), (0, 0)), precision)
    seconds = []
    for _ in range(_PRODUCTS):
        started = time.perf_counter()
        tf.linalg.matmul(matrix, matrix).numpy()
        seconds.append(time.perf_counter() - started)
    return 2 * _SIDE**3 / min(seconds)


def versions() -> dict[str, str]:
    """What was measured."""
    return {"TensorFlow": tf.__version__}


WAYS = {"gradsweep": gradsweep}
