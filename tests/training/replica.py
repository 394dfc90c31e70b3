"""An epoch of an mlp's training in NumPy and float64, written from the papers and Keras's pages.

It shares no code with what it checks: from the first weights and the order of the examples it finds
the losses, the gradients, the schedule and the updates by itself.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec, Split

Array = NDArray[Any]

# Each with its derivative, of what it gave out.
_ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "relu": (lambda z: np.maximum(z, 0), lambda a: (a > 0).astype(float)),
}


@dataclass
class Rule:
    """An optimizer's rule for one of its variables.

    Attributes:
        run: The run, for its hyperparameters.
        decays: Whether ``adamw`` decays the variable.
        kept: What the rule keeps from step to step, by name; 0 at first.
        t: The steps taken.
    """

    run: RunConfig
    decays: bool
    kept: dict[str, Any] = field(default_factory=dict)
    t: int = 0

    def step(self, w: Array, g: Array, rate: float) -> Array:
        """The variable after one step."""
        self.t += 1
        change: Array = getattr(self, f"_{self.run.optimizer}")(w, g)
        return w - rate * change

    def _average(self, name: str, value: Array, decay: float) -> Array:
        self.kept[name] = decay * self.kept.get(name, 0) + (1 - decay) * value
        average: Array = self.kept[name]
        return average

    def _sgd(self, w: Array, g: Array) -> Array:
        return g

    def _rmsprop(self, w: Array, g: Array) -> Array:
        """Tieleman & Hinton 2012, lecture 6e; ε inside of the root, as Keras has it."""
        return g / np.sqrt(self._average("v", g**2, self.run.rho) + self.run.epsilon)

    def _adam(self, w: Array, g: Array) -> Array:
        """Kingma & Ba 2015, with the ε̂ of the end of their section 2."""
        run, t = self.run, self.t
        m, v = self._average("m", g, run.beta_1), self._average("v", g**2, run.beta_2)
        correction = math.sqrt(1 - run.beta_2**t) / (1 - run.beta_1**t)
        return correction * m / (np.sqrt(v) + run.epsilon)

    def _adamw(self, w: Array, g: Array) -> Array:
        """Loshchilov & Hutter 2019, with the learning rate before the decay, as Keras has it."""
        return self._adam(w, g) + (self.run.weight_decay * w if self.decays else 0)

    def _nadam(self, w: Array, g: Array) -> Array:
        """Dozat 2016, with Keras's schedule of the momentum: 0.96 to the power of t."""
        run, t = self.run, self.t
        mu = [run.beta_1 * (1 - 0.5 * 0.96**i) for i in range(1, t + 2)]
        m, v = self._average("m", g, run.beta_1), self._average("v", g**2, run.beta_2)
        ahead = mu[t] * m / (1 - math.prod(mu)) + (1 - mu[t - 1]) * g / (1 - math.prod(mu[:t]))
        return ahead / (np.sqrt(v / (1 - run.beta_2**t)) + run.epsilon)


class _Velocity(Rule):
    """Momentum and its look-ahead, whose velocity holds each step's learning rate."""

    def step(self, w: Array, g: Array, rate: float) -> Array:
        """Polyak 1964; Sutskever et al. 2013."""
        mu = self.run.momentum
        v = self.kept["v"] = mu * self.kept.get("v", 0) - rate * g
        moved: Array = w + (mu * v - rate * g if self.run.optimizer == "nag" else v)
        return moved


@dataclass(frozen=True)
class Result:
    """What an epoch found.

    Attributes:
        weights: The weights after it.
        loss: The mean of the examples' losses, without a penalty.
        accuracy: The share of them that were classified right.
        penalty: The L2 penalty of the last weights.
        norms: Of the gradient at the last step, before it was clipped, of the last weights, and of
            the last step's change.
        clipped: The largest norm of a gradient after clipping.
    """

    weights: list[Array]
    loss: float
    accuracy: float
    penalty: float
    norms: tuple[float, float, float]
    clipped: float


class Replica:
    """An mlp and its training.

    Args:
        run: The run; without dropout, batch norm and augmentation.
        spec: The examples.
        weights: The first ones, in the order in which Keras exports them.
    """

    def __init__(self, run: RunConfig, spec: InputSpec, weights: Iterable[Array]) -> None:
        self.run, self.spec = run, spec
        self.weights = [np.asarray(w, np.float64) for w in weights]
        self._layers = len(self.weights) // 2
        self._reviews = spec.kind == "reviews"  # whose embedding is the first weight
        rule = _Velocity if run.optimizer in ("momentum", "nag") else Rule
        self._rules = [rule(run, self._is_kernel(i)) for i in range(len(self.weights))]

    def train(self, train: Split, order: Array) -> Result:
        """One epoch, the run's first, over the examples in an order."""
        batches = np.split(order, range(self.run.batch_size, len(order), self.run.batch_size))
        found, clipped = np.zeros(2), 0.0
        for t, batch in enumerate(batches):
            loss, right, gradients = self._gradients(train.x[batch], train.y[batch])
            found += len(batch) * loss, right
            norm = _norm(gradients)
            if self.run.clip_norm:
                gradients = [g * min(1, self.run.clip_norm / norm) for g in gradients]
            clipped = max(clipped, _norm(gradients))
            before, rate = self.weights, self._rate(t, len(batches))
            self.weights = [
                rule.step(w, g, rate)
                for rule, w, g in zip(self._rules, before, gradients, strict=True)
            ]
            change = _norm([new - old for new, old in zip(self.weights, before, strict=True)])
        loss, right = found / len(order)
        norms = norm, _norm(self.weights), change
        return Result(self.weights, loss, right, self._penalty(), norms, clipped)

    def _is_kernel(self, i: int) -> bool:
        return self.weights[i].ndim == 2 and not (self._reviews and i == 0)

    def _decay(self) -> float:
        return 0.0 if self.run.optimizer == "adamw" else self.run.weight_decay

    def _penalty(self) -> float:
        kernels = [w for i, w in enumerate(self.weights) if self._is_kernel(i)]
        return self._decay() * sum(float((k**2).sum()) for k in kernels) / 2

    def _rate(self, t: int, steps: int) -> float:
        """A cosine (Loshchilov & Hutter 2017) after a linear rise."""
        rise, total = self.run.warmup_epochs * steps, self.run.epochs * steps
        share = max(0.0, (t - rise) / (total - rise))
        return self.run.learning_rate * min((t + 1) / rise, (1 + math.cos(math.pi * share)) / 2)

    def _gradients(self, x: Array, y: Array) -> tuple[float, int, list[Array]]:
        """The mean loss, how many are right, and the gradients with the penalty's."""
        activate, slope = _ACTIVATIONS[self.run.activation]
        dense = self.weights[1:] if self._reviews else self.weights
        a = [self._read(x)]
        for i in range(0, len(dense) - 2, 2):
            a.append(activate(a[-1] @ dense[i] + dense[i + 1]))
        logits = a[-1] @ dense[-2] + dense[-1]
        loss, d = self._loss(logits, y)
        gradients: list[Array] = []
        for i in range(len(dense) - 2, -1, -2):
            gradients = [a[i // 2].T @ d, d.sum(0), *gradients]
            d = d @ dense[i].T
            if i:
                d = d * slope(a[i // 2])
        if self._reviews:
            gradients = [self._of_embedding(x, d), *gradients]
        for i, w in enumerate(self.weights):
            if self._is_kernel(i):
                gradients[i] = gradients[i] + self._decay() * w
        return loss, int((logits.argmax(1) == y).sum()), gradients

    def _read(self, x: Array) -> Array:
        """Pixels of mean 0 and variance 1, or the mean of the vectors of a review's words."""
        if not self._reviews:
            scaled: Array = (x / 255 - np.array(self.spec.mean)) / np.array(self.spec.std)
            return scaled.reshape((len(x), -1))
        vectors: Array = (self.weights[0][x] * self._shares(x)[..., None]).sum(1)
        return vectors

    def _of_embedding(self, x: Array, d: Array) -> Array:
        """Summed over all places that a word stands at."""
        gradient = np.zeros_like(self.weights[0])
        np.add.at(gradient, x, self._shares(x)[..., None] * d[:, None])
        return gradient

    def _shares(self, x: Array) -> Array:
        words = x != 0
        shares: Array = words / np.maximum(words.sum(1, keepdims=True), 1)
        return shares

    def _loss(self, logits: Array, y: Array) -> tuple[float, Array]:
        """The mean loss of a batch, and its gradient with respect to the logits."""
        n, classes = logits.shape
        smoothing = self.run.label_smoothing
        target = np.eye(classes)[y] * (1 - smoothing) + smoothing / classes
        log_p = logits - logits.max(1, keepdims=True)
        log_p = log_p - np.log(np.exp(log_p).sum(1, keepdims=True))
        p = np.exp(log_p)
        if self.run.loss == "cross_entropy":
            return -(target * log_p).sum() / n, (p - target) / n
        d = 2 * (p - target) / (n * classes)
        return float(((p - target) ** 2).mean()), p * (d - (d * p).sum(1, keepdims=True))


def _norm(arrays: Iterable[Array]) -> float:
    return math.sqrt(sum(float((a**2).sum()) for a in arrays))
