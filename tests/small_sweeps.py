"""Sweeps of seconds, and what their runs have logged."""

import re
from pathlib import Path
from typing import Any

from tests.checkout import Checkout, api

# Learning rates a hundredfold apart: one half of the runs is hopeless, so Hyperband must stop some.
# A batch of one example makes epochs long enough for the stop to arrive in time.
LONG_SWEEP = """\
program: src/train.py
method: random
seed: 1
run_cap: 4
metric: {name: val_accuracy, goal: maximize}
early_terminate: {type: hyperband, min_iter: 20, eta: 2}
parameters:
  dataset: {value: synthetic}
  batch_size: {value: 1}
  epochs: {value: 400}
  optimizer: {values: [sgd, momentum]}
  hidden_size: {values: [8, 16, 32]}
  learning_rate: {values: [0.00001, 0.01]}
"""
SHORT_SWEEP = """\
method: bayes
metric: {name: val_accuracy, goal: maximize}
parameters:
  dataset: {value: synthetic}
  epochs: {value: 3}
  optimizer: {values: [sgd, momentum, adam]}
  hidden_size: {values: [8, 16]}
  learning_rate: {values: [0.001, 0.01]}
"""
# Its runs go on until they are ended.
ENDLESS_SWEEP = SHORT_SWEEP.replace("{value: 3}", "{value: 100000}")


def create_sweep(checkout: Checkout, environment: dict[str, str], text: str) -> str:
    """`wandb sweep FILE`; returns entity/project/id as it prints it for `wandb agent`."""
    code, output = checkout.run("wandb", "sweep", checkout.write_sweep(text), **environment)
    assert code == 0, output
    found = re.search(r"wandb agent (\S+)", output)
    assert found, output
    return found[1]


def runs_of(environment: dict[str, str], sweep_path: str) -> list[Any]:
    """The runs in order of creation, read whole: they may be looked at when the server is gone."""
    project, sweep_id = sweep_path.rsplit("/", 1)
    return list(api(environment).runs(project, filters={"sweep": sweep_id}, lazy=False))


def begun_runs(checkout: Checkout) -> list[Path]:
    """The checkpoints of the runs of run_sweep.py that have an epoch behind them."""
    return list(checkout.root.glob("models/sweep_*/best_model_*.json"))


def varied(run: Any) -> tuple[Any, ...]:
    return tuple(run.config[name] for name in ("optimizer", "hidden_size", "learning_rate"))


def logged_epochs(run: Any) -> list[int]:
    return [row["epoch"] for row in run.scan_history(keys=["epoch", "val_accuracy"])]
