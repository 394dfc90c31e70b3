"""Recurrent cells: a forward step and its backward step, in Keras's semantics and order of gates.

A cell computes ``activations = concat(x, h) · kernel + bias`` and from them its next state. Each
gate's activation function is computed as a tanh, so that one vectorised operation does all gates.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

Tensor = Any  # TensorFlow ships no types
State = tuple[Tensor, ...]  # float32, (batch, units) each; the first is the output


class Cell(NamedTuple):
    """A recurrent cell.

    Attributes:
        gates: Column blocks of its input and recurrent kernel, ``units`` wide each.
        states: How many tensors its state has.
        forward: From activations and a state to the next state and what backward needs to know.
        backward: From the gradient of the next state, what forward told, the next and the previous
            state, to the gradient of the activations and the part of the previous state's gradient
            that does not pass through them.
    """

    gates: int
    states: int
    forward: Callable[[Tensor, State], tuple[State, State]]
    backward: Callable[[State, State, State, State], tuple[Tensor, State]]


def _rnn_forward(a: Tensor, state: State) -> tuple[State, State]:
    """Elman 1990: ``h' = tanh(W·x + U·h + b)``; doi:10.1207/s15516709cog1402_1."""
    return (tf.tanh(a),), ()


def _rnn_backward(
    gradient: State, kept: State, state: State, previous: State
) -> tuple[Tensor, State]:
    (dh,), (h,) = gradient, state
    return dh * (1 - h * h), (tf.zeros_like(h),)


def _lstm_forward(a: Tensor, state: State) -> tuple[State, State]:
    """Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000: i, f, g, o.

    ``c' = f c + i g`` and ``h' = o tanh(c')``; doi:10.1162/neco.1997.9.8.1735 and
    doi:10.1162/089976600300015015.
    """
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
    """Cho et al. 2014 with the reset gate after the product, as in cuDNN: z, r, n, and U·h of n.

    ``n = tanh(W·x + r (U·h))`` and ``h' = z h + (1 − z) n``; arXiv:1406.1078 has ``U·(r h)``.
    """
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
        cell: One of ``CELLS``.
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
