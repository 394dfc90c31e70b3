"""Compares our optimizers with Keras's of the same name, on random gradients."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from src.optimizers.base import Optimizer
from src.optimizers.registry import get_optimizer

SHAPES = [(), (7,), (5, 4), (3, 3, 2, 4)]
STEPS = 100

KERAS: dict[str, Any] = {
    "sgd": keras.optimizers.SGD,
    "momentum": keras.optimizers.SGD,
    "nag": lambda **hyperparameters: keras.optimizers.SGD(nesterov=True, **hyperparameters),
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
    "nadam": keras.optimizers.Nadam,
    "adamw": keras.optimizers.AdamW,
}


def random_problem(seed: int, steps: int = STEPS) -> tuple[list[Any], list[list[Any]]]:
    rng = np.random.default_rng(seed)
    initial = [rng.normal(size=shape).astype(np.float32) for shape in SHAPES]
    # Gradients of very different sizes: a wrong epsilon shows in the small ones.
    gradients = [
        [(rng.normal(size=s) * 10 ** rng.uniform(-3, 1)).astype(np.float32) for s in SHAPES]
        for _ in range(steps)
    ]
    return initial, gradients


def run(optimizer: Optimizer, variables: list[Any], gradients: list[list[Any]], jit: bool) -> None:
    optimizer.build(variables)

    def apply(batch: list[Any]) -> None:
        optimizer.apply_gradients(zip(batch, variables, strict=True))

    step = tf.function(apply, jit_compile=jit, autograph=False)
    for batch in gradients:
        step([tf.constant(gradient) for gradient in batch])
    assert step.experimental_get_tracing_count() == 1


def numpy(variables: list[Any]) -> list[Any]:
    return [variable.numpy() for variable in variables]


def assert_same(ours: list[Any], theirs: list[Any]) -> None:
    for our, their in zip(ours, theirs, strict=True):
        # The absolute term only forgives values that happen to end near zero; all are of order 1.
        np.testing.assert_allclose(our, their, rtol=1e-5, atol=1e-6)


def assert_equals_keras(name: str, hyperparameters: dict[str, float]) -> None:
    """After 100 random steps, from three starts, as a graph and under XLA."""
    theirs = KERAS[name](**hyperparameters)
    variables = [keras.Variable(np.zeros(shape, np.float32)) for shape in SHAPES]
    theirs.build(variables)
    keras_step = tf.function(lambda batch: theirs.apply(batch, variables), autograph=False)
    fresh = [variable.numpy() for variable in theirs.variables]
    for seed in (0, 1, 2):
        initial, gradients = random_problem(seed)
        for variable, value in zip(
            [*theirs.variables, *variables], [*fresh, *initial], strict=True
        ):
            variable.assign(value)
        if name == "nadam":
            theirs._u_product.assign(1.0)
        for batch in gradients:
            keras_step([tf.constant(gradient) for gradient in batch])
        for jit in (False, True):
            ours = [tf.Variable(value) for value in initial]
            run(get_optimizer(name, **hyperparameters), ours, gradients, jit)
            assert_same(numpy(ours), numpy(variables))
