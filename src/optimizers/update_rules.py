"""The optimizers' update rules: pure functions, each with its equation and where it comes from.

g is the gradient, m and v are slots (running moments), α is the learning rate, t the step counted
from 1, and Δ the change that is added to the variable. Products are elementwise. Where the
literature differs, these follow Keras 3.
"""

from typing import Any

import tensorflow as tf

Tensor = Any  # TensorFlow ships no types


def sgd(g: Tensor, learning_rate: Tensor) -> Tensor:
    """Plain gradient descent: ``Δ = −α g``."""
    return -learning_rate * g


def momentum(g: Tensor, m: Tensor, learning_rate: Tensor, momentum: float) -> tuple[Tensor, Tensor]:
    """Heavy ball (Polyak 1964), as in ``keras.optimizers.SGD(momentum=μ)``.

    ``m ← μ m − α g``; ``Δ = m``. Returns ``(Δ, m)``.
    """
    m = momentum * m - learning_rate * g
    return m, m


def nesterov(g: Tensor, m: Tensor, learning_rate: Tensor, momentum: float) -> tuple[Tensor, Tensor]:
    """Nesterov's accelerated gradient in the form of Sutskever et al. 2013, section 2.

    ``m ← μ m − α g``; ``Δ = μ m − α g``. Returns ``(Δ, m)``.
    """
    m = momentum * m - learning_rate * g
    return momentum * m - learning_rate * g, m


def rmsprop(
    g: Tensor, v: Tensor, learning_rate: Tensor, rho: float, epsilon: float
) -> tuple[Tensor, Tensor]:
    """RMSProp (Hinton's lecture 6e, 2012), with ε inside the root as Keras has it.

    ``v ← ρ v + (1−ρ) g²``; ``Δ = −α g / √(v + ε)``. Returns ``(Δ, v)``.
    """
    v = rho * v + (1 - rho) * tf.square(g)
    return -learning_rate * g / tf.sqrt(v + epsilon), v


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
    """Adam (Kingma & Ba 2015), in the "epsilon hat" form before its section 2.1.

    ``m ← β₁ m + (1−β₁) g``; ``v ← β₂ v + (1−β₂) g²``;
    ``Δ = −α √(1−β₂ᵗ)/(1−β₁ᵗ) · m / (√v + ε)``. Returns ``(Δ, m, v)``.
    """
    m = m + (g - m) * (1 - beta_1)
    v = v + (tf.square(g) - v) * (1 - beta_2)
    step_size = learning_rate * tf.sqrt(1 - beta_2_power) / (1 - beta_1_power)
    return -step_size * m / (tf.sqrt(v) + epsilon), m, v


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
    """NAdam (Dozat 2016): Adam with Nesterov's look-ahead and a momentum schedule.

    With ``uₜ = β₁ (1 − ½·0.96ᵗ)`` and ``Uₜ = u₁⋯uₜ``: m and v as in Adam;
    ``m̂ = uₜ₊₁ m / (1−Uₜ₊₁) + (1−uₜ) g / (1−Uₜ)``; ``v̂ = v / (1−β₂ᵗ)``;
    ``Δ = −α m̂ / (√v̂ + ε)``. Returns ``(Δ, m, v)``.
    """
    m = m + (g - m) * (1 - beta_1)
    v = v + (tf.square(g) - v) * (1 - beta_2)
    m_hat = u_next * m / (1 - u_product * u_next) + (1 - u) * g / (1 - u_product)
    v_hat = v / (1 - beta_2_power)
    return -learning_rate * m_hat / (tf.sqrt(v_hat) + epsilon), m, v
