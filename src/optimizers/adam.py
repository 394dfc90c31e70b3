"""Adaptive moments: Adam, NAdam and AdamW."""

from collections.abc import Sequence
from typing import ClassVar

import tensorflow as tf

from src.optimizers.base import Optimizer, Tensor, Variable, checked, float32

_MOMENTUM_DECAY = 0.96  # of NAdam's schedule, for each step


def adam(
    g: Tensor,
    m: Tensor,
    v: Tensor,
    learning_rate: Tensor,
    beta_1: float,
    beta_2: float,
    beta_1_power: Tensor,
    beta_2_power: Tensor,
    epsilon: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Adam, in the "epsilon hat" form before the paper's section 2.1.

    ``m ← β₁ m + (1−β₁) g``; ``v ← β₂ v + (1−β₂) g²``;
    ``Δ = −α √(1−β₂ᵗ)/(1−β₁ᵗ) · m / (√v + ε)``.

    Source: Kingma & Ba 2015, https://arxiv.org/abs/1412.6980.

    Returns:
        ``(Δ, m, v)``.
    """
    m = m + (g - m) * (1 - beta_1)
    v = v + (tf.square(g) - v) * (1 - beta_2)
    step_size = learning_rate * tf.sqrt(1 - beta_2_power) / (1 - beta_1_power)
    return -step_size * m / (tf.sqrt(v) + epsilon), m, v


class Adam(Optimizer):
    """Adaptive moments with bias correction, :func:`adam`."""

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
        self.beta_1 = checked("beta_1", beta_1)
        self.beta_2 = checked("beta_2", beta_2)
        self.epsilon = checked("epsilon", epsilon)

    def _advance(self) -> None:
        self._multiply("beta_1_power", float32(self.beta_1))
        self._multiply("beta_2_power", float32(self.beta_2))

    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        m, v = slots
        return adam(
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


def nadam(
    g: Tensor,
    m: Tensor,
    v: Tensor,
    learning_rate: Tensor,
    beta_1: float,
    beta_2: float,
    beta_2_power: Tensor,
    u: Tensor,
    u_next: Tensor,
    u_product: Tensor,
    epsilon: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """NAdam: Adam with Nesterov's look-ahead and a momentum schedule.

    With ``uₜ = β₁ (1 − ½·0.96ᵗ)`` and ``Uₜ = u₁⋯uₜ``: m and v as in Adam;
    ``m̂ = uₜ₊₁ m / (1−Uₜ₊₁) + (1−uₜ) g / (1−Uₜ)``; ``v̂ = v / (1−β₂ᵗ)``;
    ``Δ = −α m̂ / (√v̂ + ε)``.

    Source: Dozat 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ, but for the schedule.
    That is of Keras 3, ``keras/src/optimizers/nadam.py``, so that settings found with
    ``keras.optimizers.Nadam`` hold here. Dozat's has 0.96 to the power of t/250, which rises 250
    times as slowly.

    Returns:
        ``(Δ, m, v)``.
    """
    m = m + (g - m) * (1 - beta_1)
    v = v + (tf.square(g) - v) * (1 - beta_2)
    m_hat = u_next * m / (1 - u_product * u_next) + (1 - u) * g / (1 - u_product)
    v_hat = v / (1 - beta_2_power)
    return -learning_rate * m_hat / (tf.sqrt(v_hat) + epsilon), m, v


class NAdam(Adam):
    """Adam with Nesterov's look-ahead, :func:`nadam`."""

    scalar_names = ("decay_power", "u_product", "beta_2_power")

    def _u(self, decay_power: Tensor) -> Tensor:
        return float32(self.beta_1) * (1 - 0.5 * decay_power)

    def _advance(self) -> None:
        self._multiply("decay_power", _MOMENTUM_DECAY)
        self._multiply("u_product", self._u(self.scalars["decay_power"]))
        self._multiply("beta_2_power", float32(self.beta_2))

    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        m, v = slots
        decay_power = self._scalar("decay_power")
        return nadam(
            g,
            m,
            v,
            learning_rate=self.learning_rate,
            # Keras rounds these before it forms 1−β, unlike in Adam: 1−0.999 then differs by 1e-5.
            beta_1=float32(self.beta_1),
            beta_2=float32(self.beta_2),
            beta_2_power=self._scalar("beta_2_power"),
            u=self._u(decay_power),
            u_next=self._u(_MOMENTUM_DECAY * decay_power),
            u_product=self._scalar("u_product"),
            epsilon=self.epsilon,
        )


def adamw(change: Tensor, w: Tensor, learning_rate: Tensor, weight_decay: float) -> Tensor:
    """Adam with decoupled weight decay λ: ``Δ = Δ_adam − α λ w``.

    Source: Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101; α multiplies λ, as in Keras.
    """
    return change - learning_rate * weight_decay * w


class AdamW(Adam):
    """Adam with decoupled weight decay, :func:`adamw`.

    Every variable decays, as in Keras, unless :meth:`build` is told which.
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
        self.weight_decay = checked("weight_decay", weight_decay)

    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        change, *values = super()._update(g, variable, *slots)
        if self._decayed is None or variable.ref() in self._decayed:
            change = adamw(change, variable, self.learning_rate, self.weight_decay)
        return change, *values
