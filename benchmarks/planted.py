"""Made-up sweeps in which it is known which hyperparameter matters: one, or none."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from src.sweep_language.grammar import SweepSpec, parse_sweep
from src.wandb_server.importance.factors import Trial
from src.wandb_server.search import searcher
from src.wandb_server.states import RunState

_OPTIMIZERS = {"sgd": 2, "momentum": 0, "nag": 5, "rmsprop": 1, "adam": 4, "nadam": 3}
_SIZES = {32: 0, 64: 1, 128: 2, 256: 1, 512: 0}
SPEC = {
    "method": "random",
    "metric": {"name": "val_accuracy", "goal": "maximize"},
    "parameters": {
        "learning_rate": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1e-1},
        "weight_decay": {"distribution": "log_uniform_values", "min": 1e-6, "max": 1e-2},
        "dropout": {"min": 0.0, "max": 0.5},
        "hidden_size": {"values": list(_SIZES)},
        "optimizer": {"values": list(_OPTIMIZERS)},
        "activation": {"values": ["relu", "tanh", "gelu"]},
        "batch_norm": {"values": [True, False]},
    },
}
# What matters, and how much of what a value gives.
Effect = tuple[str, Callable[[Any], float]]
EFFECTS: dict[str, Effect | None] = {
    "none": None,
    "a range, the less the better": ("dropout", lambda value: -float(value)),
    "a range, best inside": ("learning_rate", lambda value: -((math.log10(value) + 3) ** 2)),
    "numbers, best inside": ("hidden_size", lambda value: _SIZES[value]),
    "six names": ("optimizer", lambda value: _OPTIMIZERS[value]),
    "on or off": ("batch_norm", float),
}


def planted(
    effect: str,
    runs: int,
    seed: int,
    *,
    share: float = 0.5,
    method: str = "random",
    noise: Callable[[np.random.Generator], float] | None = None,
) -> tuple[SweepSpec, list[Trial]]:
    """A sweep, random or of the server's own search, and its results.

    Args:
        effect: One of ``EFFECTS``.
        runs: How many.
        seed: Of everything.
        share: How much of the results' variance the effect makes; the rest is noise.
        method: How it searches.
        noise: Draws noise of variance 1; Gaussian by default.
    """
    spec = parse_sweep(SPEC | {"method": method, "seed": seed})
    rng = np.random.default_rng([seed, runs, list(EFFECTS).index(effect)])
    draw = noise or (lambda rng: float(rng.normal()))
    search, known = searcher.Searcher(spec), list[searcher.Trial]()
    for _ in range(runs):
        params = search.suggest(known) if method == "bayes" else _drawn(spec, rng)
        assert params is not None
        gain = _gain(effect, params)
        real = 0.0 if gain is None else share
        result = math.sqrt(real) * (gain or 0.0) + math.sqrt(1 - real) * draw(rng)
        known.append(searcher.Trial(params, RunState.FINISHED, result))
    return spec, [(trial.params, trial.value or 0.0) for trial in known]


def stopped_early(
    trials: Sequence[Trial], seed: int, eta: float = 2.0
) -> tuple[list[Trial], list[Trial]]:
    """The results that Hyperband leaves of them: of all runs, and of those that ran to their end.

    A run nears its result from two standard deviations below, halving what it lacks from bracket
    to bracket, and at each of three goes on only while it is among the best 1/eta.
    """
    rng = np.random.default_rng([seed, 1])
    going = list(range(len(trials)))
    best = np.full(len(trials), -np.inf)
    for bracket in range(4):
        for run in going:
            now = trials[run][1] - 2.0 * 0.5**bracket + 0.2 * rng.normal()
            best[run] = max(best[run], now)
        if bracket < 3:
            going = sorted(going, key=lambda run: -best[run])[: math.ceil(len(going) / eta)]
    everything = [(params, float(best[run])) for run, (params, _) in enumerate(trials)]
    return everything, [everything[run] for run in sorted(going)]


def _drawn(spec: SweepSpec, rng: np.random.Generator) -> dict[str, Any]:
    return {path[0]: one.value(one.draw(rng.random())) for path, one in spec.parameters.items()}


def _gain(effect: str, params: dict[str, Any]) -> float | None:
    planted = EFFECTS[effect]
    if planted is None:
        return None
    name, gain = planted
    mean, deviation = _moments(effect)
    return (gain(params[name]) - mean) / deviation


@functools.cache
def _moments(effect: str) -> tuple[float, float]:
    planted = EFFECTS[effect]
    assert planted is not None
    name, gain = planted
    parameter = parse_sweep(SPEC).parameters[(name,)]
    gains = [gain(parameter.value(parameter.draw((i + 0.5) / 3000))) for i in range(3000)]
    return float(np.mean(gains)), float(np.std(gains))
