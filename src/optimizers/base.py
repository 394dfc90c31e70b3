"""Gradient-descent optimizers, each a thin class around a rule of :mod:`src.optimizers.update_rules`.

The class owns the slots, the running tensors that a rule keeps beside every variable. Names and
defaults are those of Keras 3.
"""

import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from src.config.run_config import RunConfig, allowed
from src.optimizers import update_rules
from src.shared.errors import UserError

Tensor = Any  # TensorFlow ships no types
Variable = Any


class Optimizer:
    """Owns the learning rate, the step count and the slots; subclasses say what the rule is.

    Attributes:
        learning_rate: a float32 ``tf.Variable``; assigning to it needs no retracing.
        iterations: an int64 ``tf.Variable``, steps taken.
        scalars: running products such as β₁ᵗ. They are carried because XLA on a CPU would compute
            ``tf.pow(beta, t)`` again for every element of every variable, and in float64 so that
            a long product is still exact in float32.
        slots: for each slot name, one ``tf.Variable`` like each of the variables.
    """

    slot_names: ClassVar[tuple[str, ...]] = ()
    scalar_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = tf.Variable(
            _checked("learning_rate", learning_rate), dtype=tf.float32, trainable=False
        )
        self.iterations = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.scalars = {
            name: tf.Variable(1.0, dtype=tf.float64, trainable=False) for name in self.scalar_names
        }
        self.slots: dict[str, list[Variable]] = {name: [] for name in self.slot_names}
        self._index: dict[Any, int] | None = None

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the slots, all zero, for the variables that will be updated.

        The first ``apply_gradients`` does it too, but a compiled loop needs them beforehand.
        """
        variables = [_tf_variable(variable) for variable in variables]
        self._index = {variable.ref(): i for i, variable in enumerate(variables)}
        with tf.init_scope():  # out of any graph that is being traced
            for slot in self.slots.values():
                slot[:] = [
                    tf.Variable(tf.zeros(v.shape, v.dtype), trainable=False) for v in variables
                ]

    def reset(self, learning_rate: float) -> None:
        """Forget every step, as if made anew with this learning rate."""
        self.learning_rate.assign(_checked("learning_rate", learning_rate))
        self.iterations.assign(0)
        for scalar in self.scalars.values():
            scalar.assign(1.0)
        for slot in itertools.chain.from_iterable(self.slots.values()):
            slot.assign(tf.zeros_like(slot))

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Tensor, Variable]]) -> None:
        """Take one step.

        Args:
            grads_and_vars: pairs of a gradient and its variable, of one shape.

        Raises:
            ValueError: if a gradient is None, or a variable is not one of those built for.
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

    def _advance(self) -> None:
        """Move the scalars on to this step, before the variables are updated."""

    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        """The rule: the change to add to ``variable``, then the new value of each slot."""
        raise NotImplementedError

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a continued training needs, by name, as arrays."""
        return {name: variable.numpy() for name, variable in self._state_variables().items()}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue exactly where :meth:`state` was taken. Call :meth:`build` first.

        Raises:
            ValueError: if it is the state of another optimizer or of other variables.
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


class SGD(Optimizer):
    """Plain gradient descent; see :func:`~src.optimizers.update_rules.sgd`."""

    def __init__(self, learning_rate: float = 0.01) -> None:
        super().__init__(learning_rate)

    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        return (update_rules.sgd(g, self.learning_rate),)


class Momentum(Optimizer):
    """Gradient descent with momentum; see :func:`~src.optimizers.update_rules.momentum`."""

    slot_names = ("m",)
    rule = staticmethod(update_rules.momentum)

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(learning_rate)
        self.momentum = _checked("momentum", momentum)

    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        (m,) = slots
        return self.rule(g, m, self.learning_rate, self.momentum)


class Nesterov(Momentum):
    """Momentum with Nesterov's look-ahead; see :func:`~src.optimizers.update_rules.nesterov`."""

    rule = staticmethod(update_rules.nesterov)


class RMSProp(Optimizer):
    """Gradients divided by a running root mean square; see :func:`~src.optimizers.update_rules.rmsprop`."""

    slot_names = ("v",)

    def __init__(
        self, learning_rate: float = 0.001, rho: float = 0.9, epsilon: float = 1e-7
    ) -> None:
        super().__init__(learning_rate)
        self.rho = _checked("rho", rho)
        self.epsilon = _checked("epsilon", epsilon)

    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        (v,) = slots
        return update_rules.rmsprop(g, v, self.learning_rate, self.rho, self.epsilon)


class Adam(Optimizer):
    """Adaptive moments with bias correction; see :func:`~src.optimizers.update_rules.adam`."""

    slot_names = ("m", "v")
    scalar_names: ClassVar[tuple[str, ...]] = ("beta_1_power", "beta_2_power")

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
    ) -> None:
        super().__init__(learning_rate)
        self.beta_1 = _checked("beta_1", beta_1)
        self.beta_2 = _checked("beta_2", beta_2)
        self.epsilon = _checked("epsilon", epsilon)

    def _advance(self) -> None:
        self._multiply("beta_1_power", _float32(self.beta_1))
        self._multiply("beta_2_power", _float32(self.beta_2))

    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        m, v = slots
        return update_rules.adam(
            g,
            m,
            v,
            learning_rate=self.learning_rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            beta_1_power=self._scalar("beta_1_power"),
            beta_2_power=self._scalar("beta_2_power"),
            epsilon=self.epsilon,
        )


class NAdam(Adam):
    """Adam with Nesterov's look-ahead; see :func:`~src.optimizers.update_rules.nadam`."""

    scalar_names = ("decay_power", "u_product", "beta_2_power")

    def _u(self, decay_power: Tensor) -> Tensor:
        return _float32(self.beta_1) * (1 - 0.5 * decay_power)

    def _advance(self) -> None:
        self._multiply("decay_power", 0.96)
        self._multiply("u_product", self._u(self.scalars["decay_power"]))
        self._multiply("beta_2_power", _float32(self.beta_2))

    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        m, v = slots
        decay_power = self._scalar("decay_power")
        return update_rules.nadam(
            g,
            m,
            v,
            learning_rate=self.learning_rate,
            # Keras rounds these before it forms 1−β, unlike in Adam: 1−0.999 then differs by 1e-5.
            beta_1=_float32(self.beta_1),
            beta_2=_float32(self.beta_2),
            beta_2_power=self._scalar("beta_2_power"),
            u=self._u(decay_power),
            u_next=self._u(0.96 * decay_power),
            u_product=self._scalar("u_product"),
            epsilon=self.epsilon,
        )


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019): ``Δ = Δ_adam − α λ w``.

    λ is ``weight_decay``. Every variable decays, as in Keras, unless :meth:`decay_only` says less.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float = 0.004,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon)
        self.weight_decay = _checked("weight_decay", weight_decay)
        self._decayed: set[Any] | None = None

    def decay_only(self, variables: Iterable[Variable]) -> None:
        """Decay these variables and no others, from the next trace on."""
        self._decayed = {_tf_variable(variable).ref() for variable in variables}

    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        change, *values = super()._update(g, variable, *slots)
        if self._decayed is None or variable.ref() in self._decayed:
            change -= self.learning_rate * self.weight_decay * variable
        return change, *values


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nag": Nesterov,
    "rmsprop": RMSProp,
    "adam": Adam,
    "nadam": NAdam,
    "adamw": AdamW,
}


def get_optimizer(name: str, **hyperparameters: float) -> Optimizer:
    """Make an optimizer by its short name.

    Args:
        name: one of ``OPTIMIZERS``.
        **hyperparameters: as its constructor takes them, such as ``learning_rate``.

    Raises:
        ValueError: for an unknown name or hyperparameter, or a value out of its range.
    """
    if name not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer {name!r}; it is one of {', '.join(OPTIMIZERS)}")
    known = inspect.signature(OPTIMIZERS[name]).parameters
    for hyperparameter in hyperparameters:
        if hyperparameter not in known:
            raise ValueError(
                f"{name} has no hyperparameter {hyperparameter!r}; it takes {', '.join(known)}"
            )
    return OPTIMIZERS[name](**hyperparameters)


def _checked(name: str, value: float) -> float:
    """The value, if it is in the range that RunConfig gives this hyperparameter."""
    try:
        return float(getattr(RunConfig.parse({name: value}), name))
    except UserError:
        raise ValueError(f"{name}={value!r} is not allowed; it takes {allowed(name)}") from None


def _float32(value: float) -> float:
    """The value as a float32 tensor holds it."""
    return float(np.float32(value))


def _tf_variable(variable: Variable) -> Variable:
    """Keras wraps its variables; the wrapped ``tf.Variable`` is what gradients are taken of."""
    return variable.value if isinstance(variable, keras.Variable) else variable
