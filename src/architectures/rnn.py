"""The recurrent network: words or rows of pixels one after another, to logits."""

from typing import Any

import keras
import tensorflow as tf

from src.architectures.cells import CELLS, fuse_weights
from src.architectures.execution import PLAIN, Execution
from src.architectures.layers import Layers, pixels
from src.architectures.recurrence import scan
from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec

Tensor = Any  # TensorFlow ships no types


def build_rnn(config: RunConfig, spec: InputSpec, execution: Execution = PLAIN) -> Any:
    """Build the network that a config describes.

    A review is read word by word, a picture row by row. ``weight_init`` is for the input kernels;
    recurrent kernels are orthogonal, whatever it says, so that states neither grow nor fade.

    Args:
        config: ``layer_sizes`` recurrent layers of ``cell``, ``bidirectional`` or not, with
            ``dropout`` after each, and ``time_pooling`` after the last.
        spec: Shape of the examples, their pixel statistics or vocabulary, and the number of
            classes.
        execution: How it will be executed.

    Returns:
        A ``keras.Model`` from raw examples ``(batch, *spec.shape)`` to logits
        ``(batch, num_classes)``. Padding at the end of a review changes nothing.
    """
    make = Layers(config, execution)
    if spec.kind == "reviews":
        layers = [keras.Input(spec.shape, dtype=spec.dtype), make.embedding(spec)]
    else:
        height, width, channels = spec.shape
        layers = [*pixels(spec), keras.layers.Reshape((height, width * channels))]
    *lower, _ = config.layer_sizes
    for i, units in enumerate(config.layer_sizes):
        layers += [_recurrent(make, units)]
        layers += make.dropout() if i < len(lower) else []
    pooling = TimePooling(config.time_pooling, config.bidirectional)
    return keras.Sequential([*layers, pooling, *make.dropout(), make.dense(spec.num_classes)])


def _recurrent(make: Layers, units: int) -> Any:
    directions = 2 if make.config.bidirectional else 1
    initializers = [(make.initializer(), make.orthogonal()) for _ in range(directions)]
    return Recurrent(
        make.config.cell,
        units,
        initializers,
        make.execution.compiles_parts,
        make.execution.recurrence_dtype,
    )


class Recurrent(keras.layers.Layer):  # type: ignore[misc]
    """Cells over time: the outputs at every time step, in one direction or both.

    A mask must be that of sequences padded at their end. What a cell computes on the padding then
    reaches nothing before it; one that goes backward begins anew at the last real time step.

    Args:
        cell: ``rnn``, ``lstm`` or ``gru``.
        units: Width of the state.
        initializers: For the input and the recurrent kernel, one pair a direction: forward, then
            backward.
        compiled: Whether XLA compiles each loop of a training step by itself; see
            :func:`~src.architectures.recurrence.scan`.
        dtype: The type of inputs and products, or None for that of the policy in force.
    """

    def __init__(
        self,
        cell: str,
        units: int,
        initializers: list[tuple[Any, Any]],
        compiled: bool = False,
        dtype: str | None = None,
    ) -> None:
        super().__init__(dtype=dtype)
        self.supports_masking = True
        self.cell, self.units = cell, units
        self._initializers, self._compiled = initializers, compiled

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights of each direction."""
        columns = CELLS[self.cell].gates * self.units
        bias = (2, columns) if self.cell == "gru" else (columns,)
        bias_initializer = _remember if self.cell == "lstm" else "zeros"
        self._directions = [
            (
                self.add_weight((input_shape[-1], columns), kernel, name=f"{name}_kernel"),
                self.add_weight((self.units, columns), recurrent, name=f"{name}_recurrent_kernel"),
                self.add_weight(bias, bias_initializer, name=f"{name}_bias"),
            )
            for name, (kernel, recurrent) in zip(
                ("forward", "backward"), self._initializers, strict=False
            )
        ]

    def call(self, inputs: Tensor, mask: Tensor = None, training: bool = False) -> Tensor:
        """From ``(batch, time, size)`` to ``(batch, time, units)``, twice as wide if both ways."""
        x = tf.transpose(inputs, [1, 0, 2])
        # Forward, nothing comes after padding; backward, it comes first and must leave no trace.
        real = None if mask is None else tf.cast(tf.transpose(mask)[..., None], tf.float32)
        # Eagerly, a tape would look for gradients inside the compiled loops.
        compiled = self._compiled and training and not tf.executing_eagerly()
        outputs = []
        for backward, weights in enumerate(self._directions):
            kernel, bias = fuse_weights(self.cell, *map(tf.convert_to_tensor, weights))
            outputs.append(
                scan(
                    CELLS[self.cell],
                    self.units,
                    x,
                    kernel,
                    bias,
                    backward=bool(backward),
                    mask=real if backward else None,
                    compiled=compiled,
                )
            )
        return tf.transpose(tf.concat(outputs, -1), [1, 0, 2])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape that :meth:`call` gives."""
        return (*input_shape[:2], len(self._initializers) * self.units)


class TimePooling(keras.layers.Layer):  # type: ignore[misc]
    """From the outputs at every time step to one vector, of real time steps only.

    Args:
        pooling: ``last`` is what each direction has found at its end; ``mean``; ``max``.
        bidirectional: Whether the outputs' second half is of cells that went backward.
    """

    def __init__(self, pooling: str, bidirectional: bool) -> None:
        super().__init__()
        self.supports_masking = True
        self.pooling, self.bidirectional = pooling, bidirectional

    def call(self, inputs: Tensor, mask: Tensor = None) -> Tensor:
        """From ``(batch, time, size)`` to ``(batch, size)``; zeros if all is padding."""
        lengths = _lengths(inputs, mask)[:, None]
        if self.pooling == "last":
            return tf.where(lengths > 0, self._last(inputs, lengths), 0)
        is_real = tf.range(tf.shape(inputs)[1]) < lengths
        if self.pooling == "max":
            lowest = inputs.dtype.min
            return tf.where(
                lengths > 0, tf.reduce_max(tf.where(is_real[..., None], inputs, lowest), 1), 0
            )
        # Summed in float32: of hundreds of terms bfloat16 would lose the small ones.
        total = tf.reduce_sum(
            tf.where(is_real[..., None], tf.cast(inputs, tf.float32), 0.0), axis=1
        )
        return tf.cast(total / tf.cast(tf.maximum(lengths, 1), tf.float32), inputs.dtype)

    def _last(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        last = tf.gather(inputs, tf.maximum(lengths - 1, 0), axis=1, batch_dims=1)[:, 0]
        if not self.bidirectional:
            return last
        units = inputs.shape[-1] // 2
        return tf.concat([last[:, :units], inputs[:, 0, units:]], -1)

    def compute_mask(self, inputs: Tensor, mask: Tensor = None) -> None:
        """None: there is no time any more."""

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape that :meth:`call` gives."""
        return (input_shape[0], input_shape[-1])


def _remember(shape: tuple[int, ...], dtype: Any = None) -> Tensor:
    """The bias of an lstm that begins by not forgetting: 1 for the forget gate (the second)."""
    return tf.repeat(tf.constant([0.0, 1.0, 0.0, 0.0], dtype), shape[0] // 4)


def _lengths(inputs: Tensor, mask: Tensor) -> Tensor:
    """Real time steps of each sequence, int32 ``(batch,)``: all of them without a mask."""
    if mask is None:
        return tf.fill([tf.shape(inputs)[0]], inputs.shape[1])
    return tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
