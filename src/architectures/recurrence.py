"""The loop of a recurrent cell over time, with a hand-written backward loop.

Compared with differentiating the loop, :func:`scan` keeps only states and gates. Its backward loop
sums up the kernel's gradient step by step: on a CPU that is faster than one matrix product over all
time steps, for which every step's part would have to be kept.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from src.architectures.cells import Cell, State

Tensor = Any  # TensorFlow ships no types


def scan(
    cell: Cell,
    units: int,
    x: Tensor,
    kernel: Tensor,
    bias: Tensor,
    *,
    backward: bool = False,
    mask: Tensor = None,
    compiled: bool = False,
) -> Tensor:
    """The outputs of a cell at every time step, from a state of zeros.

    States and gates are float32 whatever the inputs are; matrix products take the inputs' type.

    Args:
        cell: One of ``CELLS``.
        units: Width of its state.
        x: Inputs ``(time, batch, size)``, with a known number of time steps.
        kernel: What ``concat(x, h)`` is multiplied with, as :func:`fuse_weights` makes it, of the
            inputs' type.
        bias: The bias, from the same function.
        backward: Whether to begin with the last time step.
        mask: Numbers ``(time, batch, 1)``, float32, or None: where 0, the state is zero again.
        compiled: Whether XLA compiles each loop by itself, once a batch size. In a TensorFlow
            graph the loops of two directions then run on two cores at once.

    Returns:
        ``(time, batch, units)``, of the inputs' type.
    """
    order = _Order(x.shape[0], backward)

    def loop(function: Callable[..., Any]) -> Callable[..., Any]:
        return tf.function(function, jit_compile=True, autograph=False) if compiled else function

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(x: Tensor, kernel: Tensor, bias: Tensor) -> tuple[Tensor, Callable[[Tensor], Any]]:
        run_forward = loop(partial(_run_forward, cell, units, order))
        states, kept = run_forward(x, kernel, bias, mask)

        def gradient(d_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            run_backward = loop(partial(_run_backward, cell, order))
            gradients: tuple[Tensor, Tensor, Tensor] = run_backward(
                x, kernel, bias, mask, states, kept, d_outputs
            )
            return gradients

        return tf.cast(order.after(states[0]), x.dtype), gradient

    return run(x, kernel, bias)


class _Order(NamedTuple):
    """The order in which a cell takes the time steps.

    States are kept in an array with one place more than there are steps: the state after step t is
    beside the one before it, on the side to which time goes.
    """

    steps: int
    backward: bool

    def time(self, i: Tensor) -> Tensor:
        """The time step that is taken as number ``i``."""
        return self.steps - 1 - i if self.backward else i

    def place_before(self, t: Tensor) -> Tensor:
        """Where the state before time step ``t`` is."""
        return t + 1 if self.backward else t

    def place_after(self, t: Tensor) -> Tensor:
        """Where the state after time step ``t`` is."""
        return t if self.backward else t + 1

    def after(self, states: Tensor) -> Tensor:
        """The states after every time step."""
        return states[:-1] if self.backward else states[1:]


def _run_forward(
    cell: Cell, units: int, order: _Order, x: Tensor, kernel: Tensor, bias: Tensor, mask: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """The states before and after every step, and what the steps keep for backward."""
    zero = tf.zeros([tf.shape(x)[1], units])
    bias = tf.cast(bias, tf.float32)

    def activations(t: Tensor, state: State) -> Tensor:
        return tf.cast(tf.matmul(_beside(x[t], state), kernel), tf.float32) + bias

    def step(i: Tensor, state: State, states: Any, kept: Any) -> tuple[Any, ...]:
        t = order.time(i)
        state, keep = cell.forward(activations(t, state), state)
        state = _masked(state, mask, t)
        return i + 1, state, _write(states, order.place_after(t), state), _write(kept, t, keep)

    start = (zero,) * cell.states
    widths = [k.shape[-1] for k in cell.forward(tf.zeros([1, kernel.shape[1]]), start)[1]]
    states = _arrays(order.steps + 1, [units] * cell.states)
    states = _write(states, order.place_before(order.time(0)), start)
    *_, states, kept = _repeat(step, order, (start, states, _arrays(order.steps, widths)))
    return [array.stack() for array in states], [array.stack() for array in kept]


def _run_backward(
    cell: Cell,
    order: _Order,
    x: Tensor,
    kernel: Tensor,
    bias: Tensor,
    mask: Tensor,
    states: list[Tensor],
    kept: list[Tensor],
    d_outputs: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of inputs, kernel and bias from that of the outputs."""
    steps, _, size = x.shape
    transposed = tf.transpose(kernel)

    def step(
        i: Tensor, d_state: State, d_inputs: Any, d_kernel: Tensor, d_biases: Tensor
    ) -> tuple[Any, ...]:
        t = order.time(steps - 1 - i)
        d_state = (d_state[0] + tf.cast(d_outputs[t], tf.float32), *d_state[1:])
        places = order.place_after(t), order.place_before(t)
        after, before = (tuple(s[place] for s in states) for place in places)
        kept_then = tuple(k[t] for k in kept)
        d_a, direct = cell.backward(_masked(d_state, mask, t), kept_then, after, before)
        d_biases += d_a
        d_a = tf.cast(d_a, x.dtype)
        xh = _beside(x[t], before)
        d_kernel += tf.cast(tf.matmul(xh, d_a, transpose_a=True), tf.float32)
        d_x, d_h = tf.split(tf.matmul(d_a, transposed), [size, -1], axis=-1)
        d_state = (direct[0] + tf.cast(d_h, tf.float32), *direct[1:])
        return i + 1, d_state, d_inputs.write(t, d_x), d_kernel, d_biases

    end = tuple(tf.zeros_like(s[0]) for s in states)
    sums = (tf.zeros(kernel.shape), tf.zeros([tf.shape(x)[1], kernel.shape[1]]))
    start = (end, *_arrays(steps, [size], x.dtype), *sums)
    *_, d_inputs, d_kernel, d_biases = _repeat(step, order, start)
    d_bias = tf.reduce_sum(d_biases, 0)
    return d_inputs.stack(), tf.cast(d_kernel, kernel.dtype), tf.cast(d_bias, bias.dtype)


def _repeat(step: Callable[..., Any], order: _Order, start: tuple[Any, ...]) -> tuple[Any, ...]:
    """Take all steps, numbered from 0."""
    loop: tuple[Any, ...] = tf.while_loop(
        lambda i, *_: i < order.steps,
        step,
        (0, *start),
        parallel_iterations=1,
        maximum_iterations=order.steps,
    )
    return loop


def _beside(x: Tensor, state: State) -> Tensor:
    """What the kernel takes: the inputs of a time step and the output of the one before."""
    return tf.concat([x, tf.cast(state[0], x.dtype)], -1)


def _masked(values: State, mask: Tensor, t: Tensor) -> State:
    return values if mask is None else tuple(value * mask[t] for value in values)


def _arrays(steps: int, widths: list[int], dtype: Any = tf.float32) -> tuple[Any, ...]:
    """One array of ``(steps, batch, width)`` for each width."""
    return tuple(tf.TensorArray(dtype, steps, element_shape=(None, width)) for width in widths)


def _write(arrays: Any, t: Tensor, values: State) -> tuple[Any, ...]:
    return tuple(array.write(t, value) for array, value in zip(arrays, values, strict=True))
