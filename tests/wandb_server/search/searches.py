"""Spaces to search, and searches of them."""

import math
from collections.abc import Callable
from typing import Any

from src.sweep_language.grammar import SweepSpec, parse_sweep
from src.wandb_server.search.searcher import Searcher, Trial
from src.wandb_server.states import RunState

MIXED: dict[str, Any] = {
    "learning_rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-1},
    "hidden_sizes": {"values": [[64, 128], [64], None]},
    "flags": {"values": [True, 1, "1", 0.5]},
    "layers": {"min": 1, "max": 4},
    "group": {"parameters": {"dropout": {"min": 0.0, "max": 0.5}, "deep": {"value": {"a": 1}}}},
}


SMALL: dict[str, Any] = {
    "optimizer": {"values": ["sgd", "adam"]},
    "size": {"values": [[64], [64, 128]]},
    "layers": {"min": 1, "max": 3},
    "dropout": {"distribution": "q_uniform", "min": 0.0, "max": 0.5, "q": 0.25},
    "dataset": {"value": "mnist"},
}


SMALL_SIZE = 2 * 2 * 3 * 3


def spec(method: str, parameters: dict[str, Any], seed: int | None = 0, **more: Any) -> SweepSpec:
    """A sweep that minimizes the loss."""
    metric = {"name": "loss", **more}
    return parse_sweep(
        {"method": method, "metric": metric, "parameters": parameters}
        | ({} if seed is None else {"seed": seed})
    )


def finished(params: dict[str, Any], value: float | None = 0.0) -> Trial:
    return Trial(params, RunState.FINISHED, value)


def running(params: dict[str, Any]) -> Trial:
    return Trial(params, RunState.RUNNING, None)


def run(searcher: Searcher, count: int, loss: Callable[[dict[str, Any]], float]) -> list[Trial]:
    """So many runs, one after the other."""
    trials: list[Trial] = []
    for _ in range(count):
        params = searcher.suggest(trials)
        if params is None:
            break
        trials.append(finished(params, loss(params)))
    return trials


def bowl(params: dict[str, Any]) -> float:
    """Best at learning_rate 1e-2, hidden_sizes [64, 128], 3 layers, no dropout."""
    wrong_sizes = 0.0 if params["hidden_sizes"] == [64, 128] else 1.0
    rate, layers, dropout = params["learning_rate"], params["layers"], params["group"]["dropout"]
    return float((math.log10(rate) + 2) ** 2 + wrong_sizes + abs(layers - 3) / 2 + dropout)


def keys(trials: list[Trial]) -> set[str]:
    """What distinguishes configurations: repr tells True from 1."""
    return {repr(trial.params) for trial in trials}
