"""RMSProp: gradients divided by a running root mean square."""

from collections.abc import Sequence

import tensorflow as tf

from src.optimizers.base import Optimizer, Tensor, Variable, checked


def rmsprop(
    g: Tensor, v: Tensor, learning_rate: Tensor, rho: float, epsilon: float
) -> tuple[Tensor, Tensor]:
    """RMSProp with ε inside the root, as Keras has it.

    ``v ← ρ v + (1−ρ) g²``; ``Δ = −α g / √(v + ε)``.

    Source: Tieleman & Hinton 2012, lecture 6e,
    https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf.

    Returns:
        ``(Δ, v)``.
    """
    v = rho * v + (1 - rho) * tf.square(g)
    return -learning_rate * g / tf.sqrt(v + epsilon), v


class RMSProp(Optimizer):
    """Gradients divided by their running root mean square, :func:`rmsprop`."""

    slot_names = ("v",)

    def __init__(
        self, learning_rate: float = 0.001, rho: float = 0.9, epsilon: float = 1e-7
    ) -> None:
        super().__init__(learning_rate)
        self.rho = checked("rho", rho)
        self.epsilon = checked("epsilon", epsilon)

    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        (v,) = slots
        return rmsprop(g, v, self.learning_rate, self.rho, self.epsilon)
