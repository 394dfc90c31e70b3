"""What every optimizer has in common: a learning rate, a count of steps, and slots.

An optimizer is a pure update rule and a thin class around it that owns the slots, the running
tensors that the rule keeps beside every variable. In the rules g is the gradient, m and v are
slots, α is the learning rate, t the step counted from 1, and Δ the change that is added to the
variable. Products are elementwise. Names and defaults are those of Keras 3, and so are the formulas
where the literature differs.
"""

import itertools
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from src.optimizers.limits import LIMITS

Tensor = Any  # TensorFlow ships no types
Variable = Any


class Optimizer(ABC):
    """Owns the learning rate, the step count and the slots; subclasses say what the rule is.

    Attributes:
        learning_rate: A float32 ``tf.Variable``; assigning to it needs no retracing.
        iterations: An int64 ``tf.Variable``, steps taken.
        scalars: Running products such as β₁ᵗ. They are carried because XLA on a CPU would compute
            ``tf.pow(beta, t)`` again for every element of every variable, and in float64 so that
            a long product is still exact in float32.
        slots: For each slot name, one ``tf.Variable`` like each of the variables.
    """

    slot_names: ClassVar[tuple[str, ...]] = ()
    scalar_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = tf.Variable(
            checked("learning_rate", learning_rate), dtype=tf.float32, trainable=False
        )
        self.iterations = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.scalars = {
            name: tf.Variable(1.0, dtype=tf.float64, trainable=False) for name in self.scalar_names
        }
        self.slots: dict[str, list[Variable]] = {name: [] for name in self.slot_names}
        self._index: dict[Any, int] | None = None
        self._decayed: set[Any] | None = None

    def build(
        self, variables: Iterable[Variable], decayed: Iterable[Variable] | None = None
    ) -> None:
        """Make the slots, all zero, for the variables that will be updated.

        The first ``apply_gradients`` does it too, but a compiled loop needs them beforehand.

        Args:
            variables: All that will be updated.
            decayed: Those that an optimizer which decays weights by itself is to decay; None is
                all of them, as in Keras.
        """
        variables = [_tf_variable(variable) for variable in variables]
        self._index = {variable.ref(): i for i, variable in enumerate(variables)}
        self._decayed = None if decayed is None else {_tf_variable(v).ref() for v in decayed}
        with tf.init_scope():  # out of any graph that is being traced
            for slot in self.slots.values():
                slot[:] = [
                    tf.Variable(tf.zeros(v.shape, v.dtype), trainable=False) for v in variables
                ]

    def reset(self, learning_rate: float) -> None:
        """Forget every step, as if made anew with this learning rate."""
        self.learning_rate.assign(checked("learning_rate", learning_rate))
        self.iterations.assign(0)
        for scalar in self.scalars.values():
            scalar.assign(1.0)
        for slot in itertools.chain.from_iterable(self.slots.values()):
            slot.assign(tf.zeros_like(slot))

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Tensor, Variable]]) -> None:
        """Take one step.

        Args:
            grads_and_vars: Pairs of a gradient and its variable, of one shape.

        Raises:
            ValueError: If a gradient is None, or a variable is not one of those built for.
        """
        pairs = [(gradient, _tf_variable(variable)) for gradient, variable in grads_and_vars]
        for gradient, variable in pairs:
            if gradient is None:
                raise ValueError(
                    f"no gradient for variable {variable.name!r}: the loss does not depend on it"
                )
        if self._index is None:
            self.build(variable for _, variable in pairs)
        self.iterations.assign_add(1)
        self._advance()
        for gradient, variable in pairs:
            slots = self._slots_of(variable)
            change, *values = self._update(tf.convert_to_tensor(gradient), variable, *slots)
            for slot, value in zip(slots, values, strict=True):
                slot.assign(value)
            variable.assign_add(change)

    def _advance(self) -> None:  # noqa: B027  most rules have no scalars
        """Move the scalars on to this step, before the variables are updated."""

    @abstractmethod
    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        """The rule: the change to add to ``variable``, then the new value of each slot."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a continued training needs, by name, as arrays."""
        return {name: variable.numpy() for name, variable in self._state_variables().items()}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue exactly where :meth:`state` was taken. Call :meth:`build` first.

        Raises:
            ValueError: If it is the state of another optimizer or of other variables.
        """
        variables = self._state_variables()
        if state.keys() != variables.keys():
            odd = ", ".join(sorted(state.keys() ^ variables.keys()))
            raise ValueError(f"not a state of this {type(self).__name__}: {odd} on one side only")
        for name, variable in variables.items():
            if np.shape(state[name]) != tuple(variable.shape):
                raise ValueError(
                    f"{name} has shape {np.shape(state[name])}, expected {tuple(variable.shape)}"
                )
        for name, variable in variables.items():
            variable.assign(state[name])

    def _state_variables(self) -> dict[str, Variable]:
        named = {"learning_rate": self.learning_rate, "iterations": self.iterations, **self.scalars}
        for name, slots in self.slots.items():
            named |= {f"{name}/{i}": slot for i, slot in enumerate(slots)}
        return named

    def _multiply(self, scalar: str, factor: Tensor) -> None:
        self.scalars[scalar].assign(self.scalars[scalar] * factor)

    def _scalar(self, name: str) -> Tensor:
        return tf.cast(self.scalars[name], tf.float32)

    def _slots_of(self, variable: Variable) -> list[Variable]:
        assert self._index is not None
        if variable.ref() not in self._index:
            raise ValueError(f"{variable.name!r} is not among the variables it was built for")
        return [slots[self._index[variable.ref()]] for slots in self.slots.values()]


def checked(name: str, value: float) -> float:
    """The value of a hyperparameter.

    Raises:
        ValueError: If it is not a finite number within its ``LIMITS``.
    """
    symbols = {"gt": (">", operator.gt), "ge": (">=", operator.ge), "lt": ("<", operator.lt)}
    limits = [(*symbols[key], limit) for key, limit in LIMITS[name].items()]
    number = isinstance(value, int | float) and math.isfinite(value)
    if not number or not all(holds(value, limit) for _, holds, limit in limits):
        wanted = " and ".join(f"{symbol} {limit:g}" for symbol, _, limit in limits)
        raise ValueError(f"{name}={value!r} is not allowed; it takes a number {wanted}")
    return float(value)


def float32(value: float) -> float:
    """The value as a float32 tensor holds it."""
    return float(np.float32(value))


def _tf_variable(variable: Variable) -> Variable:
    """Keras wraps its variables; the wrapped ``tf.Variable`` is what gradients are taken of."""
    return variable.value if isinstance(variable, keras.Variable) else variable
