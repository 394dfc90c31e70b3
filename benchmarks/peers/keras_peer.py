"""Keras ``fit``: as it comes, and with its fastest settings."""

from typing import Any

from benchmarks.peers import EPSILON, Task, Training, assign_kernels, fastest
from benchmarks.problems import Problem, resnet_blocks
from src.training.tensorflow import start_tensorflow

start_tensorflow()

import keras  # noqa: E402

_STEPS_PER_EXECUTION = 50


def build(problem: Problem, precision: str) -> Any:
    """The model as Keras's users write it, from prepared inputs to float32 logits."""
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    layers = {"mlp": _mlp, "cnn": _cnn, "rnn": _rnn, "resnet": _resnet}
    dtype = "int32" if problem.spec.kind == "reviews" else "float32"
    inputs = keras.Input(problem.spec.shape, dtype=dtype)
    hidden = layers[problem.config.model](problem, inputs)
    logits = keras.layers.Dense(problem.spec.num_classes, dtype="float32")(hidden)
    return keras.Model(inputs, logits)


def _mlp(problem: Problem, x: Any) -> Any:
    x = keras.layers.Flatten()(x)
    for units in problem.config.layer_sizes:
        x = keras.layers.Dense(units, activation="relu")(x)
    return x


def _cnn(problem: Problem, x: Any) -> Any:
    config = problem.config
    for filters in config.filters:
        for _ in range(config.convolutions):
            x = keras.layers.Conv2D(filters, config.kernel_size, padding="same", activation="relu")(
                x
            )
        x = keras.layers.MaxPooling2D()(x)
    return _mlp(problem, x)


def _rnn(problem: Problem, x: Any) -> Any:
    config, spec = problem.config, problem.spec
    # No review here is shorter than the others, so no way spends time on masks but ours.
    x = keras.layers.Embedding(spec.vocabulary_size, config.embedding_size)(x)
    (units,) = config.layer_sizes
    return keras.layers.Bidirectional(keras.layers.LSTM(units))(x)


def _resnet(problem: Problem, x: Any) -> Any:
    def convolution(x: Any, filters: int, kernel: int, stride: int) -> Any:
        convolve = keras.layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)
        return keras.layers.BatchNormalization()(convolve(x))

    width = problem.config.width
    x = keras.layers.ReLU()(convolution(x, width, 3, 1))
    for filters, stride in resnet_blocks(width):
        y = keras.layers.ReLU()(convolution(x, filters, 3, stride))
        y = convolution(y, filters, 3, 1)
        if stride != 1 or x.shape[-1] != filters:
            x = convolution(x, filters, 1, stride)
        x = keras.layers.ReLU()(keras.layers.Add()([x, y]))
    return keras.layers.GlobalAveragePooling2D()(x)


def compile_for_fit(model: Any, learning_rate: float, **settings: Any) -> Any:
    """The model, made ready for ``fit``."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate, epsilon=EPSILON),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        **settings,
    )
    return model


def stop_after_first_step() -> Any:
    """A callback that ends the training when its first step is taken."""
    callback: Any = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: setattr(callback.model, "stop_training", True)
    )
    return callback


def fit(task: Task) -> Training:
    """``fit`` as it comes."""
    return _fit(task)


def fit_best(task: Task) -> Training:
    """``fit`` with many steps an execution, with or without XLA: what is faster on few batches."""
    choices = [
        {"jit_compile": jit, "steps_per_execution": _STEPS_PER_EXECUTION} for jit in (False, True)
    ]
    return _fit(task, **fastest(choices, task, lambda task, settings: _fit(task, **settings)))


def _fit(task: Task, **settings: Any) -> Training:
    if "steps_per_execution" in settings:  # an epoch has to have as many
        steps = task.problem.examples // task.problem.config.batch_size
        settings["steps_per_execution"] = min(settings["steps_per_execution"], steps)
    model = build(task.problem, task.precision)
    assign_kernels(model.trainable_variables, task)
    compile_for_fit(model, task.problem.config.learning_rate, **settings)
    x, y = task.inputs, task.data.y

    def epoch() -> tuple[float, float]:
        history = model.fit(x, y, batch_size=task.problem.config.batch_size, verbose=0).history
        return history["loss"][0], history["accuracy"][0]

    return Training(epoch, ", ".join(f"{name}={value}" for name, value in settings.items()))


def versions() -> dict[str, str]:
    """What was measured."""
    return {"Keras": keras.__version__}


WAYS = {"fit": fit, "fit_best": fit_best}
