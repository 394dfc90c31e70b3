"""JAX: ``jit`` around a ``lax.scan`` over an epoch's batches, or a call a step if faster."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.peers import EPSILON, Task, Training, fastest
from benchmarks.problems import Problem, resnet_blocks

_BETA_1, _BETA_2 = 0.9, 0.999
_NORM_EPSILON = 1e-3  # Keras's
_LAYOUT = ("NHWC", "HWIO", "NHWC")

Model = Callable[[list[Any], Any], Any]  # weights and inputs to logits


def _dense_layers(weights: list[Any], x: Any) -> Any:
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = jax.nn.relu(x @ kernel + bias)
    return x @ weights[-2] + weights[-1]


def _convolve(x: Any, kernel: Any, stride: int = 1) -> Any:
    return lax.conv_general_dilated(x, kernel, (stride, stride), "SAME", dimension_numbers=_LAYOUT)


def _mlp(problem: Problem) -> Model:
    return lambda weights, x: _dense_layers(weights, x.reshape(len(x), -1))


def _cnn(problem: Problem) -> Model:
    config = problem.config

    def model(weights: list[Any], x: Any) -> Any:
        rest = list(weights)
        for _ in config.filters:
            for _ in range(config.convolutions):
                kernel, bias, *rest = rest
                x = jax.nn.relu(_convolve(x, kernel) + bias)
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        return _dense_layers(rest, x.reshape(len(x), -1))

    return model


def _rnn(problem: Problem) -> Model:
    (units,) = problem.config.layer_sizes

    def direction(cell: list[Any], x: Any) -> Any:
        """The last state; the projections of all inputs are one product outside of the loop."""
        kernel, recurrent, bias = cell
        projected = jnp.swapaxes(x @ kernel + bias, 0, 1)

        def step(state: tuple[Any, Any], inputs: Any) -> tuple[tuple[Any, Any], None]:
            h, c = state
            i, f, g, o = jnp.split(inputs + h @ recurrent, 4, axis=-1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        zeros = jnp.zeros((len(x), units), x.dtype)
        (h, _), _ = lax.scan(step, (zeros, zeros), projected)
        return h

    def model(weights: list[Any], words: Any) -> Any:
        embedding, *cells, kernel, bias = weights
        x = embedding[words]
        states = [direction(cells[:3], x), direction(cells[3:], x[:, ::-1])]
        return jnp.concatenate(states, axis=-1) @ kernel + bias

    return model


def _resnet(problem: Problem) -> Model:
    blocks = resnet_blocks(problem.config.width)

    def model(weights: list[Any], x: Any) -> Any:
        rest = iter(weights)

        def convolution(x: Any, stride: int = 1) -> Any:
            x = _convolve(x, next(rest), stride).astype(jnp.float32)
            mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            scale = next(rest) * lax.rsqrt(variance + _NORM_EPSILON)
            return (x * scale + (next(rest) - mean * scale)).astype(weights[0].dtype)

        x = jax.nn.relu(convolution(x))
        for filters, stride in blocks:
            y = convolution(jax.nn.relu(convolution(x, stride)))
            if stride != 1 or x.shape[-1] != filters:
                x = convolution(x, stride)
            x = jax.nn.relu(x + y)
        return x.mean((1, 2)) @ next(rest) + next(rest)

    return model


_MODELS = {"mlp": _mlp, "cnn": _cnn, "rnn": _rnn, "resnet": _resnet}


def _make_step(task: Task) -> Callable[..., Any]:
    """One step of Adam on a batch: the new state, the batch's summed loss and its hits."""
    config = task.problem.config
    model = _MODELS[config.model](task.problem)
    dtype = jnp.dtype(task.precision)
    pictures = task.problem.spec.kind == "pictures"

    def loss_and_hits(weights: list[Any], x: Any, y: Any) -> tuple[Any, Any]:
        cast = [weight.astype(dtype) for weight in weights]
        logits = model(cast, x.astype(dtype) if pictures else x).astype(jnp.float32)
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1)
        return -chosen.mean(), (logits.argmax(1) == y).sum()

    def step(state: tuple[Any, ...], batch: tuple[Any, Any]) -> tuple[tuple[Any, ...], Any]:
        weights, first, second, count = state
        x, y = batch
        (loss, hits), gradients = jax.value_and_grad(loss_and_hits, has_aux=True)(weights, x, y)
        count = count + 1
        rate = config.learning_rate * jnp.sqrt(1 - _BETA_2**count) / (1 - _BETA_1**count)
        first = [m + (1 - _BETA_1) * (g - m) for m, g in zip(first, gradients, strict=True)]
        second = [v + (1 - _BETA_2) * (g * g - v) for v, g in zip(second, gradients, strict=True)]
        weights = [
            w - rate * m / (jnp.sqrt(v) + EPSILON)
            for w, m, v in zip(weights, first, second, strict=True)
        ]
        return (weights, first, second, count), (loss * len(y), hits)

    return step


def scan(task: Task) -> Training:
    """The epoch is one call: shuffle, scan over the whole batches, and the smaller last one."""
    batch, examples = task.problem.config.batch_size, task.problem.examples
    step = _make_step(task)
    steps = examples // batch

    def run(state: Any, key: Any, x: Any, y: Any) -> Any:
        order = jax.random.permutation(key, examples)
        whole, rest = order[: steps * batch].reshape(steps, batch), order[steps * batch :]
        state, (losses, hits) = lax.scan(lambda s, i: step(s, (x[i], y[i])), state, whole)
        loss, correct = losses.sum(), hits.sum()
        if len(rest):
            state, (last_loss, last_hits) = step(state, (x[rest], y[rest]))
            loss, correct = loss + last_loss, correct + last_hits
        return state, loss / examples, correct / examples

    return _training(task, jax.jit(run, donate_argnums=0))


def step_by_step(task: Task) -> Training:
    """Each step is a call: XLA may run what is inside of a loop on fewer threads."""
    batch, examples = task.problem.config.batch_size, task.problem.examples
    step = _make_step(task)

    def gather_and_step(state: Any, x: Any, y: Any, indices: Any) -> Any:
        return step(state, (x[indices], y[indices]))

    compiled = jax.jit(gather_and_step, donate_argnums=0)

    def run(state: Any, key: Any, x: Any, y: Any) -> Any:
        order = jax.random.permutation(key, examples)
        sums = []
        for start in range(0, examples, batch):
            state, sum_ = compiled(state, x, y, order[start : start + batch])
            sums.append(sum_)
        loss, correct = (sum(parts) / examples for parts in zip(*sums, strict=True))
        return state, loss, correct

    return _training(task, run)


def _training(task: Task, run: Callable[..., Any]) -> Training:
    x, y = jnp.asarray(task.inputs), jnp.asarray(task.data.y)
    weights = [jnp.asarray(weight) for weight in task.weights]
    zeros = [[jnp.zeros_like(weight) for weight in weights] for _ in range(2)]
    state = (weights, *zeros, jnp.zeros((), jnp.float32))
    keys = (jax.random.key(i) for i in itertools.count())

    def epoch() -> tuple[float, float]:
        nonlocal state
        state, loss, accuracy = run(state, next(keys), x, y)
        return float(loss), float(accuracy)

    return Training(epoch)


def fastest_loop(task: Task) -> Training:
    """Whichever of the two is faster on a few batches.

    On a CPU, XLA's convolutions inside of a loop take many times as long: with them, no scan.
    """
    convolves = task.problem.config.model in ("cnn", "resnet")
    ways = (step_by_step,) if convolves else (step_by_step, scan)
    best = fastest(ways, task, lambda task, way: way(task))
    return replace(best(task), note="scan" if best is scan else "a call a step")


def versions() -> dict[str, str]:
    """What was measured."""
    return {"JAX": jax.__version__}


WAYS = {"jit": fastest_loop}
