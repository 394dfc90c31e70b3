"""Gradient descent, plain, with momentum, and with Nesterov's look-ahead."""

from collections.abc import Sequence

from src.optimizers.base import Optimizer, Tensor, Variable, checked


def sgd(g: Tensor, learning_rate: Tensor) -> Tensor:
    """Plain gradient descent: ``Δ = −α g``.

    Source: Robbins & Monro 1951, https://doi.org/10.1214/aoms/1177729586.
    """
    return -learning_rate * g


class SGD(Optimizer):
    """Plain gradient descent, :func:`sgd`."""

    def __init__(self, learning_rate: float = 0.01) -> None:
        super().__init__(learning_rate)

    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        return (sgd(g, self.learning_rate),)


def momentum(g: Tensor, m: Tensor, learning_rate: Tensor, momentum: float) -> tuple[Tensor, Tensor]:
    """The heavy ball, as in ``keras.optimizers.SGD(momentum=μ)``: ``m ← μ m − α g``; ``Δ = m``.

    Source: Polyak 1964, https://doi.org/10.1016/0041-5553(64)90137-5.

    Returns:
        ``(Δ, m)``.
    """
    m = momentum * m - learning_rate * g
    return m, m


class Momentum(Optimizer):
    """Gradient descent with momentum, :func:`momentum`."""

    slot_names = ("m",)
    rule = staticmethod(momentum)

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(learning_rate)
        self.momentum = checked("momentum", momentum)

    def _update(self, g: Tensor, variable: Variable, *slots: Variable) -> Sequence[Tensor]:
        (m,) = slots
        return self.rule(g, m, self.learning_rate, self.momentum)


def nesterov(g: Tensor, m: Tensor, learning_rate: Tensor, momentum: float) -> tuple[Tensor, Tensor]:
    """Nesterov's accelerated gradient: ``m ← μ m − α g``; ``Δ = μ m − α g``.

    Source: Sutskever et al. 2013, section 2, https://proceedings.mlr.press/v28/sutskever13.html.

    Returns:
        ``(Δ, m)``.
    """
    m = momentum * m - learning_rate * g
    return momentum * m - learning_rate * g, m


class Nesterov(Momentum):
    """Momentum with Nesterov's look-ahead, :func:`nesterov`."""

    rule = staticmethod(nesterov)
