"""The training loop of TensorFlow's tutorials: ``tf.data``, a ``tf.function`` step, a tape."""

from typing import Any

from benchmarks.peers import EPSILON, Task, Training, assign_kernels
from benchmarks.peers.keras_peer import build

import keras  # isort: skip
import tensorflow as tf  # isort: skip


def loop(task: Task) -> Training:
    """One compiled step a batch, called from Python."""
    model = build(task.problem, task.precision)
    assign_kernels(model.trainable_variables, task)
    optimizer = keras.optimizers.Adam(task.problem.config.learning_rate, epsilon=EPSILON)
    loss_object = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    mean_loss = keras.metrics.Mean()
    accuracy = keras.metrics.SparseCategoricalAccuracy()
    batches = (
        tf.data.Dataset.from_tensor_slices((task.inputs, task.data.y))
        .shuffle(len(task.data))
        .batch(task.problem.config.batch_size)
        .prefetch(tf.data.AUTOTUNE)
    )

    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = loss_object(y, logits)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        mean_loss.update_state(loss, sample_weight=tf.shape(y)[0])
        accuracy.update_state(y, logits)

    compiled = tf.function(step)

    def epoch() -> tuple[float, float]:
        mean_loss.reset_state()
        accuracy.reset_state()
        for x, y in batches:
            compiled(x, y)
        return float(mean_loss.result()), float(accuracy.result())

    return Training(epoch)


def versions() -> dict[str, str]:
    """What was measured."""
    return {"TensorFlow": tf.__version__}


WAYS = {"loop": loop}
