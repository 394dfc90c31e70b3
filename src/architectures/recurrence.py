"""Recurrent cells and the loop that runs them over time, with a hand-written backward loop.

A cell computes ``activations = concat(x, h) · kernel + bias`` and from them its next state. Its
forward and backward step are a pair of functions, in Keras's semantics and order of gates.

Compared with differentiating the loop, :func:`scan` keeps only states and gates, and its backward
loop leaves the kernel's gradient to one matrix product over all time steps. Each gate's activation
function is computed as a tanh, so that one vectorised operation does all gates of a step.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

Tensor = Any  # TensorFlow ships no types
State = tuple[Tensor, ...]  # float32, (batch, units) each; the first is the output


class Cell(NamedTuple):
    """A recurrent cell.

    Attributes:
        gates: column blocks of its input and recurrent kernel, ``units`` wide each.
        states: how many tensors its state has.
        forward: from activations and a state to the next state and what backward needs to know.
        backward: from the gradient of the next state, what forward told, the next and the previous
            state, to the gradient of the activations and the part of the previous state's gradient
            that does not pass through them.
    """

    gates: int
    states: int
    forward: Callable[[Tensor, State], tuple[State, State]]
    backward: Callable[[State, State, State, State], tuple[Tensor, State]]


def _rnn_forward(a: Tensor, state: State) -> tuple[State, State]:
    return (tf.tanh(a),), ()


def _rnn_backward(
    gradient: State, kept: State, state: State, previous: State
) -> tuple[Tensor, State]:
    (dh,), (h,) = gradient, state
    return dh * (1 - h * h), (tf.zeros_like(h),)


def _lstm_forward(a: Tensor, state: State) -> tuple[State, State]:
    """Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000: i, f, g, o."""
    gates = _activate(a, "ssts")
    i, f, g, o = tf.split(gates, 4, axis=-1)
    c = f * state[1] + i * g
    return (o * tf.tanh(c), c), (gates,)


def _lstm_backward(
    gradient: State, kept: State, state: State, previous: State
) -> tuple[Tensor, State]:
    (dh, dc), (gates,), (_, c), (_, c_previous) = gradient, kept, state, previous
    i, f, g, o = tf.split(gates, 4, axis=-1)
    tanh_c = tf.tanh(c)
    dc += dh * o * (1 - tanh_c * tanh_c)
    d_gates = tf.concat([dc, dc, dc, dh], -1) * tf.concat([g, c_previous, i, tanh_c], -1)
    return d_gates * _slope(gates, "ssts"), (tf.zeros_like(dh), dc * f)


def _gru_forward(a: Tensor, state: State) -> tuple[State, State]:
    """Cho et al. 2014 with the reset gate after the product, as in cuDNN: z, r, n, and U·h of n."""
    zr, n_x, n_h = _split_gru(a)
    zr = _activate(zr, "ss")
    z, r = tf.split(zr, 2, axis=-1)
    n = tf.tanh(n_x + r * n_h)
    return (z * state[0] + (1 - z) * n,), (zr, n, n_h)


def _gru_backward(
    gradient: State, kept: State, state: State, previous: State
) -> tuple[Tensor, State]:
    (dh,), (zr, n, n_h), (h_previous,) = gradient, kept, previous
    z, r = tf.split(zr, 2, axis=-1)
    dn = dh * (1 - z) * (1 - n * n)
    d_zr = tf.concat([dh * (h_previous - n), dn * n_h], -1) * _slope(zr, "ss")
    return tf.concat([d_zr, dn, dn * r], -1), (dh * z,)


def _split_gru(a: Tensor) -> list[Tensor]:
    units = a.shape[-1] // 4
    return tf.split(a, [2 * units, units, units], axis=-1)  # type: ignore[no-any-return]


def _activate(a: Tensor, functions: str) -> Tensor:
    """Sigmoid "s" or tanh "t" of each block of columns; sigmoid(x) is (1 + tanh(x/2))/2."""
    is_sigmoid = _columns(a, functions)
    scale = 1 - is_sigmoid / 2
    return tf.tanh(a * scale) * scale + is_sigmoid / 2


def _slope(y: Tensor, functions: str) -> Tensor:
    """The derivative where a function's value is y: y − y² of a sigmoid, 1 − y² of a tanh."""
    is_sigmoid = _columns(y, functions)
    return 1 - is_sigmoid + is_sigmoid * y - y * y


def _columns(a: Tensor, functions: str) -> Any:
    """1 in the columns of sigmoids, 0 in those of tanhs."""
    ones = [function == "s" for function in functions]
    return np.repeat(np.asarray(ones, np.float32), a.shape[-1] // len(functions))


CELLS: dict[str, Cell] = {
    "rnn": Cell(1, 1, _rnn_forward, _rnn_backward),
    "lstm": Cell(4, 2, _lstm_forward, _lstm_backward),
    "gru": Cell(3, 1, _gru_forward, _gru_backward),
}


def fuse_weights(
    cell: str, kernel: Tensor, recurrent_kernel: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """One kernel for ``concat(x, h)`` and its bias.

    Args:
        cell: one of ``CELLS``.
        kernel: ``(size, gates · units)``.
        recurrent_kernel: ``(units, gates · units)``.
        bias: ``(gates · units,)``, of a gru ``(2, gates · units)``: of inputs and of the state.

    Returns:
        Shapes ``(size + units, blocks · units)`` and ``(blocks · units,)``. A gru has four blocks:
        its last gate's products with inputs and with the state, which are not just added.
    """
    if cell != "gru":
        return tf.concat([kernel, recurrent_kernel], 0), bias
    (w_zr, w_n), (u_zr, u_n) = _split_zr_n(kernel), _split_zr_n(recurrent_kernel)
    (b_zr, b_n), (c_zr, c_n) = _split_zr_n(bias[0]), _split_zr_n(bias[1])
    inputs = tf.concat([w_zr, w_n, tf.zeros_like(w_n)], -1)
    states = tf.concat([u_zr, tf.zeros_like(u_n), u_n], -1)
    return tf.concat([inputs, states], 0), tf.concat([b_zr + c_zr, b_n, c_n], -1)


def _split_zr_n(weights: Tensor) -> tuple[Tensor, Tensor]:
    units = weights.shape[-1] // 3
    return weights[..., : 2 * units], weights[..., 2 * units :]


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
        cell: one of ``CELLS``.
        units: width of its state.
        x: inputs ``(time, batch, size)``, with a known number of time steps.
        kernel: of ``concat(x, h)``, as :func:`fuse_weights` makes it, of the inputs' type.
        bias: of the same.
        backward: whether to begin with the last time step.
        mask: float32 ``(time, batch, 1)``, or None: where it is 0 the state becomes zero again.
        compiled: whether XLA compiles each loop by itself, once a batch size. In a TensorFlow
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

    def before(self, states: Tensor) -> Tensor:
        """The states before every time step."""
        return states[1:] if self.backward else states[:-1]

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
        xh = tf.concat([x[t], tf.cast(state[0], x.dtype)], -1)
        return tf.cast(tf.matmul(xh, kernel), tf.float32) + bias

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
    width = kernel.shape[1]
    transposed = tf.transpose(kernel)

    def step(i: Tensor, d_state: State, d_inputs: Any, d_activations: Any) -> tuple[Any, ...]:
        t = order.time(steps - 1 - i)
        d_state = (d_state[0] + tf.cast(d_outputs[t], tf.float32), *d_state[1:])
        places = order.place_after(t), order.place_before(t)
        after, before = (tuple(s[place] for s in states) for place in places)
        kept_then = tuple(k[t] for k in kept)
        d_a, direct = cell.backward(_masked(d_state, mask, t), kept_then, after, before)
        d_a = tf.cast(d_a, x.dtype)
        d_x, d_h = tf.split(tf.matmul(d_a, transposed), [size, -1], axis=-1)
        d_state = (direct[0] + tf.cast(d_h, tf.float32), *direct[1:])
        d_inputs, d_activations = _write((d_inputs, d_activations), t, (d_x, d_a))
        return i + 1, d_state, d_inputs, d_activations

    end = tuple(tf.zeros_like(s[0]) for s in states)
    arrays = _arrays(steps, [size, width], x.dtype)
    *_, d_inputs, d_activations = _repeat(step, order, (end, *arrays))
    d_a = tf.reshape(d_activations.stack(), [-1, width])
    d_kernel = [
        tf.matmul(tf.reshape(part, [-1, part.shape[-1]]), d_a, transpose_a=True)
        for part in (x, tf.cast(order.before(states[0]), x.dtype))
    ]
    d_bias = tf.reduce_sum(tf.cast(d_a, tf.float32), 0)
    return d_inputs.stack(), tf.concat(d_kernel, 0), tf.cast(d_bias, bias.dtype)


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


def _masked(values: State, mask: Tensor, t: Tensor) -> State:
    return values if mask is None else tuple(value * mask[t] for value in values)


def _arrays(steps: int, widths: list[int], dtype: Any = tf.float32) -> tuple[Any, ...]:
    """One array of ``(steps, batch, width)`` for each width."""
    return tuple(tf.TensorArray(dtype, steps, element_shape=(None, width)) for width in widths)


def _write(arrays: Any, t: Tensor, values: State) -> tuple[Any, ...]:
    return tuple(array.write(t, value) for array, value in zip(arrays, values, strict=True))
