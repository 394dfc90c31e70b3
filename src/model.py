"""NeuralNetwork: a model with its loss, its L2 penalty and one step of training."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from src.architectures import build_model
from src.architectures.execution import PLAIN, Execution
from src.config.run_config import RunConfig
from src.datasets.spec import Examples, InputSpec
from src.optimizers.base import Optimizer
from src.optimizers.registry import OPTIMIZERS, get_optimizer

Tensor = Any  # TensorFlow ships no types


class Step(NamedTuple):
    """What a step found on its batch before it changed the weights.

    Attributes:
        loss: Mean loss of the batch plus the L2 penalty, a scalar.
        data_loss: The mean loss alone.
        accuracy: Share of the batch classified right.
        gradients: The gradients of ``loss``, one for each trainable variable, all of them dense.
    """

    loss: Tensor
    data_loss: Tensor
    accuracy: Tensor
    gradients: list[Tensor]


class NeuralNetwork:
    """The network that a RunConfig describes, for the examples that an InputSpec describes.

    Args:
        config: The run.
        spec: The examples, and their classes.
        execution: How its steps are executed; a run decides that once, for all of its parts.

    Attributes:
        model: The Keras model, from examples to logits.
        variables: Its trainable ``tf.Variable``s.
        kernels: Those of them that weight decay applies to: weight matrices, never biases.
    """

    def __init__(self, config: RunConfig, spec: InputSpec, execution: Execution = PLAIN) -> None:
        self.config, self.spec, self.execution = config, spec, execution
        with _precision(config):
            self.model = build_model(config, spec, execution)
        trainable = self.model.trainable_variables
        self.variables = [variable.value for variable in trainable]
        self.kernels = [v.value for v in trainable if v.name.endswith("kernel")]
        # Of any batch size, so that a smaller last batch is not traced again.
        self._compiled_forward = tf.function(
            self.forward,
            input_signature=[tf.TensorSpec((None, *spec.shape), spec.dtype)],
            autograph=False,
        )

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Logits ``(batch, num_classes)`` for examples ``(batch, *spec.shape)``."""
        return tf.cast(self.model(x, training=training), tf.float32)

    def compute_loss(self, y_true: Tensor, logits: Tensor, training: bool = False) -> Tensor:
        """The mean loss of a batch, without the L2 penalty: a scalar.

        Args:
            y_true: Class numbers, int32 ``(batch,)``.
            logits: ``(batch, num_classes)``.
            training: Whether to smooth the labels: the true class of K is then 1−ε+ε/K, every
                other ε/K, with ε the config's ``label_smoothing`` (Szegedy et al. 2016, "Rethinking
                the Inception architecture", arXiv:1512.00567).

        Returns:
            ``cross_entropy``: −log of the softmax probability of the true class.
            ``mse``: the squared difference between the softmax probabilities and the one-hot
            label, averaged over classes.
        """
        smoothing = self.config.label_smoothing if training else 0.0
        if self.config.loss == "cross_entropy" and not smoothing:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y_true, logits)
            return tf.reduce_mean(losses)
        classes = self.spec.num_classes
        target = tf.one_hot(y_true, classes) * (1 - smoothing) + smoothing / classes
        if self.config.loss == "cross_entropy":
            losses = tf.nn.softmax_cross_entropy_with_logits(target, logits)
        else:
            losses = tf.square(tf.nn.softmax(logits) - target)
        return tf.reduce_mean(losses)

    def compute_penalty(self) -> Tensor:
        """The L2 penalty ``weight_decay · Σ‖kernel‖²/2``; 0 if the optimizer decays by itself."""
        decoupled = OPTIMIZERS[self.config.optimizer].decouples_weight_decay
        if decoupled or self.config.weight_decay == 0:
            return tf.constant(0.0)
        return self.config.weight_decay * tf.add_n([tf.nn.l2_loss(k) for k in self.kernels])

    def train_step(
        self, x_batch: Tensor, y_batch: Tensor, optimizer: Optimizer
    ) -> tuple[Tensor, Tensor]:
        """Take one step of gradient descent on a batch.

        Args:
            x_batch: ``(batch, *spec.shape)`` of ``spec.dtype``.
            y_batch: Class numbers, int32 ``(batch,)``.
            optimizer: Updates the variables in place.

        Returns:
            The loss of the batch, L2 penalty included, and its accuracy, before the step.
        """
        step = self.take_step(x_batch, y_batch, optimizer)
        return step.loss, step.accuracy

    def take_step(self, x_batch: Tensor, y_batch: Tensor, optimizer: Optimizer) -> Step:
        """As :meth:`train_step`, but returns all that the step computed."""
        step = self.compute_gradients(x_batch, y_batch)
        self.apply_gradients(step.gradients, optimizer)
        return step

    def compute_gradients(self, x: Tensor, y: Tensor, share: Tensor = 1.0) -> Step:
        """What a step is made of, for a batch or for a share of one, all times ``share``."""
        with tf.GradientTape() as tape:
            logits = self.forward(x, training=True)
            data_loss = share * self.compute_loss(y, logits, training=True)
            loss = data_loss + share * self.compute_penalty()
        gradients = [_dense(gradient) for gradient in tape.gradient(loss, self.variables)]
        return Step(loss, data_loss, share * accuracy(y, logits), gradients)

    def apply_gradients(self, gradients: list[Tensor], optimizer: Optimizer) -> None:
        """Update the variables, with gradients scaled down to the config's ``clip_norm``."""

        def update(gradients: list[Tensor]) -> None:
            if self.config.clip_norm:
                norm = self._norm(gradients)
                gradients, _ = tf.clip_by_global_norm(gradients, self.config.clip_norm, norm)
            optimizer.apply_gradients(zip(gradients, self.variables, strict=True))

        if self.execution.compiles_parts and not tf.executing_eagerly():
            update = tf.function(update, jit_compile=True, autograph=False)
        update(gradients)

    def _norm(self, gradients: list[Tensor]) -> Tensor:
        """The global norm of all gradients that there are: a scalar."""
        found = [gradient for gradient in gradients if gradient is not None]
        if self.execution.jit:
            return tf.sqrt(tf.add_n([_sum_of_squares(gradient) for gradient in found]))
        return tf.linalg.global_norm(found)

    def predict(self, x: Examples, batch_size: int = 1000) -> NDArray[np.float32]:
        """Class probabilities ``(n, num_classes)`` of examples ``(n, *spec.shape)``."""
        probabilities: NDArray[np.float32] = tf.nn.softmax(self._logits(x, batch_size)).numpy()
        return probabilities

    def evaluate(
        self, x: Examples, y: NDArray[np.int32], batch_size: int = 1000
    ) -> tuple[float, float]:
        """Mean loss, without the L2 penalty, and accuracy on labelled examples."""
        logits = self._logits(x, batch_size)
        return float(self.compute_loss(y, logits)), float(accuracy(y, logits))

    def _logits(self, x: Examples, batch_size: int) -> Tensor:
        starts = range(0, max(len(x), 1), batch_size)
        return tf.concat([self._compiled_forward(x[i : i + batch_size]) for i in starts], axis=0)

    def create_optimizer(self) -> Optimizer:
        """The optimizer that the config names, with its slots made; it may decay kernels only."""
        optimizer = get_optimizer(
            self.config.optimizer,
            learning_rate=self.config.learning_rate,
            **self.config.optimizer_hyperparameters(),
        )
        optimizer.build(self.variables, decayed=self.kernels)
        return optimizer

    def flops_per_example(self) -> int:
        """Floating-point operations of training on one example, to within what is not a product.

        A kernel is multiplied once for each place of its input (a dense layer), its output (a
        convolution) or each time step, forward and twice backward; the first layer's input needs
        no gradient, which is not taken off.
        """
        total = 0
        for layer in self.model.layers:
            kernels = [w for w in layer.trainable_weights if w.name.endswith("kernel")]
            for kernel in kernels:
                convolves = len(kernel.shape) == 4
                places = tf.nest.flatten(layer.output if convolves else layer.input)[0].shape[1:-1]
                total += 6 * math.prod(kernel.shape) * math.prod(places)
        return total

    def describe(self) -> str:
        """One line: the model's size, and how many of its tensors weight decay applies to."""
        sizes = [int(np.prod(v.shape)) for v in self.variables]
        kernels = [int(np.prod(k.shape)) for k in self.kernels]
        return (
            f"{sum(sizes):,} parameters in {len(sizes)} tensors; weight_decay "
            f"{self.config.weight_decay:g} is for {len(kernels)} of them, the kernels "
            f"({sum(kernels):,} parameters)"
        )


def accuracy(y_true: Tensor, logits: Tensor) -> Tensor:
    """The share of a batch whose largest logit is that of its true class: a scalar."""
    predicted = tf.argmax(logits, axis=1, output_type=tf.int32)
    return tf.reduce_mean(tf.cast(tf.equal(predicted, y_true), tf.float32))


def _dense(gradient: Tensor) -> Tensor:
    """A gradient as one tensor.

    That of an embedding is a row for each word read, and a word's rows must be summed before
    anything is squared.
    """
    return None if gradient is None else tf.convert_to_tensor(gradient)


def _sum_of_squares(x: Tensor) -> Tensor:
    """As XLA is fast at it on a CPU: a product with ones, where a sum adds one after the other."""
    if len(x.shape) < 2:
        return tf.reduce_sum(tf.square(x))
    columns = x.shape[-1]
    return tf.reduce_sum(tf.reshape(tf.square(x), (-1, columns)) @ tf.ones((columns, 1)))


@contextmanager
def _precision(config: RunConfig) -> Iterator[None]:
    """Layers made in this context compute in the config's precision; variables are float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(
        "mixed_bfloat16" if config.precision == "bfloat16" else config.precision
    )
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
