"""What the trainer needs of every optimizer: states, resets, slots, refusals."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from src.optimizers.registry import OPTIMIZERS, get_optimizer
from tests.optimizers.against_keras import numpy, random_problem, run


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_restored_state_continues_exactly(name: str) -> None:
    initial, gradients = random_problem(3, steps=20)
    straight = [tf.Variable(value) for value in initial]
    run(get_optimizer(name), straight, gradients, jit=False)

    first, variables = get_optimizer(name), [tf.Variable(value) for value in initial]
    run(first, variables, gradients[:9], jit=False)
    saved = first.state()
    second, resumed = get_optimizer(name, learning_rate=0.5), [tf.Variable(v) for v in variables]
    second.build(resumed)
    second.load_state(saved)
    for batch in gradients[9:]:
        second.apply_gradients(zip(batch, resumed, strict=True))

    assert int(second.iterations) == 20
    for our, expected in zip(numpy(resumed), numpy(straight), strict=True):
        np.testing.assert_array_equal(our, expected)


def test_a_state_is_a_copy_that_later_steps_leave_alone() -> None:
    optimizer, variable = get_optimizer("adam"), tf.Variable([1.0, 2.0])
    optimizer.apply_gradients([(tf.constant([1.0, 1.0]), variable)])
    saved = optimizer.state()
    before = {name: value.copy() for name, value in saved.items()}
    optimizer.apply_gradients([(tf.constant([1.0, 1.0]), variable)])
    for name, value in before.items():
        np.testing.assert_array_equal(saved[name], value)


def test_the_state_of_another_optimizer_or_model_is_refused() -> None:
    adam, momentum, wider = get_optimizer("adam"), get_optimizer("momentum"), get_optimizer("adam")
    adam.build([tf.Variable([1.0])])
    momentum.build([tf.Variable([1.0])])
    wider.build([tf.Variable([1.0, 2.0])])
    with pytest.raises(ValueError, match="not a state of this Adam"):
        adam.load_state(momentum.state())
    with pytest.raises(ValueError, match=r"m/0 has shape \(2,\), expected \(1,\)"):
        adam.load_state(wider.state())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_after_a_reset_it_is_as_if_made_anew(name: str) -> None:
    fresh, used = get_optimizer(name, learning_rate=0.5), get_optimizer(name, learning_rate=0.1)
    fresh.build([tf.Variable([1.0, 2.0])])
    variable = tf.Variable([1.0, 2.0])
    for _ in range(3):
        used.apply_gradients([(tf.constant([1.0, -1.0]), variable)])
    used.reset(learning_rate=0.5)
    expected = fresh.state()
    assert used.state().keys() == expected.keys()
    for key, value in used.state().items():
        np.testing.assert_array_equal(value, expected[key], err_msg=key)
    with pytest.raises(ValueError, match=r"learning_rate=0\.0 is not allowed"):
        used.reset(learning_rate=0.0)


def test_the_learning_rate_can_be_changed_without_retracing() -> None:
    optimizer, variable = get_optimizer("sgd", learning_rate=1.0), tf.Variable(0.0)
    step = tf.function(lambda: optimizer.apply_gradients([(tf.constant(1.0), variable)]))
    step()
    optimizer.learning_rate.assign(0.25)
    step()
    assert float(variable) == -1.25
    assert step.experimental_get_tracing_count() == 1


def test_slots_are_made_inside_a_traced_function_too() -> None:
    optimizer, variable = get_optimizer("adam"), tf.Variable([1.0, 2.0])
    step = tf.function(lambda: optimizer.apply_gradients([(tf.constant([1.0, 1.0]), variable)]))
    step()
    step()
    assert optimizer.iterations.numpy() == 2


def test_keras_variables_and_sparse_gradients_are_taken() -> None:
    ones = np.ones((3, 2), np.float32)
    dense, sparse = tf.Variable(ones), keras.Variable(ones)
    rows = tf.IndexedSlices(tf.constant([[1.0, 2.0]]), tf.constant([1]), tf.constant([3, 2]))
    ours, same = get_optimizer("adam"), get_optimizer("adam")
    ours.apply_gradients([(tf.constant([[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]]), dense)])
    same.apply_gradients([(rows, sparse)])
    np.testing.assert_array_equal(dense.numpy(), sparse.numpy())


def test_gradients_may_come_in_any_order() -> None:
    a, b = tf.Variable([0.0]), tf.Variable([0.0, 0.0])
    optimizer = get_optimizer("momentum")
    optimizer.build([a, b])
    optimizer.apply_gradients([(tf.constant([1.0, 1.0]), b), (tf.constant([2.0]), a)])
    np.testing.assert_allclose(optimizer.slots["m"][0], [-0.02])
    np.testing.assert_allclose(optimizer.slots["m"][1], [-0.01, -0.01])


def test_a_missing_gradient_is_named_and_changes_nothing() -> None:
    a, b = tf.Variable(1.0, name="reached"), tf.Variable(1.0, name="unreached")
    with pytest.raises(ValueError, match="no gradient for variable 'unreached:0'"):
        get_optimizer("sgd").apply_gradients([(tf.constant(1.0), a), (None, b)])
    assert float(a) == 1.0


def test_a_variable_that_it_was_not_built_for_is_named() -> None:
    optimizer = get_optimizer("adam")
    optimizer.build([tf.Variable(1.0)])
    with pytest.raises(ValueError, match="'stranger:0' is not among the variables"):
        optimizer.apply_gradients([(tf.constant(1.0), tf.Variable(1.0, name="stranger"))])


@pytest.mark.parametrize(
    ("name", "hyperparameters", "message"),
    [
        ("adagrad", {}, "one of sgd, momentum, nag, rmsprop, adam, nadam, adamw"),
        ("sgd", {"momentum": 0.9}, "sgd has no hyperparameter 'momentum'; it takes learning_rate$"),
        ("adam", {"rho": 0.9}, "it takes learning_rate, beta_1, beta_2, epsilon"),
        ("sgd", {"learning_rate": "x"}, "learning_rate='x' is not allowed; .* > 0"),
        ("sgd", {"learning_rate": 0.0}, "learning_rate=0.0 is not allowed; .* > 0"),
        ("momentum", {"momentum": 1.0}, "momentum=1.0 is not allowed; .* >= 0 and < 1"),
        ("adam", {"beta_2": 1.0}, "beta_2=1.0 is not allowed"),
        ("adam", {"epsilon": 0.0}, "epsilon=0.0 is not allowed; .* > 0"),
        ("adam", {"epsilon": float("nan")}, "epsilon=nan is not allowed"),
        ("rmsprop", {"rho": -0.1}, "rho=-0.1 is not allowed"),
        ("adamw", {"weight_decay": -1.0}, "weight_decay=-1.0 is not allowed"),
    ],
)
def test_bad_arguments_are_refused_with_what_is_allowed(
    name: str, hyperparameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        get_optimizer(name, **hyperparameters)
