"""A parameter that is not read neither counts as different nor misleads the search."""

from typing import Any

import numpy as np
import pytest

from src.sweep_language.grammar import SweepSpec, parse_sweep
from src.wandb_server.search.searcher import Searcher, Trial
from src.wandb_server.search.space import SearchSpace
from src.wandb_server.states import RunState

PARAMETERS: dict[str, Any] = {
    "optimizer": {"values": ["sgd", "momentum", "adam"]},
    "momentum": {"values": [0.5, 0.9, 0.99]},
    "beta_2": {"values": [0.9, 0.999]},
    "size": {"values": [1, 2]},
}
CONDITIONS = {"momentum": {"optimizer": ["momentum"]}, "beta_2": {"optimizer": ["adam"]}}
# sgd: 2 sizes; momentum: 3 x 2; adam: 2 x 2.
DIFFERENT = 12


def spec(method: str, conditions: Any = CONDITIONS, **parameters: Any) -> SweepSpec:
    return parse_sweep(
        {
            "method": method,
            "metric": {"name": "loss"},
            "parameters": PARAMETERS | parameters,
            "conditions": conditions,
            "seed": 0,
        }
    )


def what_is_read(params: dict[str, Any]) -> tuple[Any, ...]:
    momentum = params["momentum"] if params["optimizer"] == "momentum" else None
    beta_2 = params["beta_2"] if params["optimizer"] == "adam" else None
    return params["optimizer"], momentum, beta_2, params["size"]


@pytest.mark.parametrize("method", ["grid", "random", "bayes"])
def test_each_different_configuration_comes_once_and_then_the_search_ends(method: str) -> None:
    searcher = Searcher(spec(method))
    trials: list[Trial] = []
    while (params := searcher.suggest(trials)) is not None:
        trials.append(Trial(params, RunState.FINISHED, float(len(trials) % 5)))
    assert len(trials) == DIFFERENT
    assert len({what_is_read(trial.params) for trial in trials}) == DIFFERENT


def test_a_trial_from_elsewhere_counts_by_what_it_read() -> None:
    space = SearchSpace(spec("random").parameters, spec("random").conditions)
    one, other = (
        space.locate({"optimizer": "sgd", "momentum": momentum, "beta_2": 0.9, "size": 1})
        for momentum in (0.5, 0.99)
    )
    assert one == other is not None


def test_the_model_learns_a_conditional_parameter_from_the_runs_that_read_it() -> None:
    """sgd's runs say nothing about momentum, however good or bad they are."""
    momentum = {"min": 0.0, "max": 1.0}
    sweep = spec("bayes", {"momentum": {"optimizer": ["momentum"]}}, momentum=momentum)
    trials: list[Trial] = []
    rng = np.random.default_rng(0)
    for _ in range(60):
        params: dict[str, Any] = {
            "optimizer": ["sgd", "momentum"][len(trials) % 2],
            "momentum": float(rng.random()),
            "beta_2": 0.9,
            "size": 1,
        }
        reads = params["optimizer"] == "momentum"
        loss = abs(params["momentum"] - 0.8) if reads else 2.0
        trials.append(Trial(params, RunState.FINISHED, loss))
    searcher = Searcher(sweep)
    suggested = []
    for _ in range(20):
        params_now = searcher.suggest(trials)
        assert params_now is not None
        if params_now["optimizer"] == "momentum":
            suggested.append(params_now["momentum"])
        trials.append(Trial(params_now, RunState.RUNNING, None))
    assert len(suggested) > 5
    assert abs(float(np.median(suggested)) - 0.8) < 0.15


def test_without_conditions_every_combination_counts() -> None:
    assert SearchSpace(spec("grid", {}).parameters, {}).size == 3 * 3 * 2 * 2


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ([], "conditions: .* is not a mapping"),
        ({"momentum": ["optimizer"]}, "conditions.momentum: give one parameter"),
        (
            {"momentum": {"optimizer": "adam"}},
            "conditions.momentum.optimizer: 'adam' is not a list",
        ),
        ({"momentun": {"optimizer": ["adam"]}}, "momentun is not among the parameters"),
        ({"momentum": {"optimiser": ["adam"]}}, "optimiser is not among the parameters"),
        (
            {"momentum": {"beta_2": [0.9]}, "beta_2": {"optimizer": ["adam"]}},
            "conditions.momentum.beta_2: it must have values and no condition of its own",
        ),
    ],
)
def test_conditions_that_cannot_be_are_refused(conditions: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spec("grid", conditions)
