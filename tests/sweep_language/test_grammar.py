"""What a sweep configuration says."""

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from src.sweep_language.distributions import Choice
from src.sweep_language.early_terminate import Hyperband
from src.sweep_language.grammar import parse_sweep
from tests.sweep_language.parsing import DISTRIBUTIONS, KEYS, parameter

FULL = """
program: train.py
method: bayes
name: an example
project: p
entity: e
command: ["${env}", "${interpreter}", "${program}", "${args}"]
run_cap: 20
seed: 7
metric: {name: val_accuracy, goal: maximize, target: 0.9}
early_terminate: {type: hyperband, min_iter: 2, eta: 2, strict: true}
parameters:
  epochs: {value: 5}
  optimizer:
    parameters:
      name: {values: [sgd, adam]}
      schedule: {parameters: {warmup: {min: 0, max: 3}}}
"""


def test_every_part_of_a_full_configuration_is_read() -> None:
    spec = parse_sweep(yaml.safe_load(FULL))
    assert (spec.method, spec.metric_name, spec.goal) == ("bayes", "val_accuracy", "maximize")
    assert (spec.target, spec.run_cap, spec.seed) == (0.9, 20, 7)
    assert spec.early_terminate == Hyperband(min_iter=2, eta=2.0, strict=True)
    assert list(spec.parameters) == [
        ("epochs",),
        ("optimizer", "name"),
        ("optimizer", "schedule", "warmup"),
    ]


def test_defaults_are_those_of_wandb() -> None:
    spec = parse_sweep(
        {
            "method": "bayes",
            "metric": {"name": "loss"},
            "early_terminate": {"type": "hyperband", "max_iter": 27, "s": 2},
            "parameters": {"x": {"value": 1}},
        }
    )
    assert (spec.goal, spec.target, spec.run_cap, spec.seed) == ("minimize", None, None, None)
    assert spec.early_terminate == Hyperband(max_iter=27, s=2, eta=3.0, strict=False)


@pytest.mark.parametrize(
    "entry",
    [
        {"value": 1},
        {"values": [1, 2]},
        {"min": 1, "max": 9},
        {"distribution": "q_uniform", "min": 0.0, "max": 1.0, "q": 0.5},
    ],
)
def test_grid_takes_what_it_can_enumerate(entry: dict[str, Any]) -> None:
    assert parameter(entry, method="grid").size


@given(
    st.fixed_dictionaries(
        {"distribution": st.sampled_from(DISTRIBUTIONS)},
        optional=dict.fromkeys(
            ["min", "max", "q", "mu", "sigma", "a", "b"], st.integers() | st.floats()
        ),
    ),
    st.floats(0, 1),
)
def test_an_accepted_number_can_be_drawn(entry: dict[str, Any], u: float) -> None:
    allowed = {"distribution", *KEYS[entry["distribution"]]}
    try:
        one = parameter({key: value for key, value in entry.items() if key in allowed})
    except ValueError:
        return
    assert math.isfinite(one.value(one.draw(u)))


def test_a_constant_is_a_choice_of_one() -> None:
    assert parameter({"value": {"a": 1}}) == Choice(({"a": 1},), (1.0,))
