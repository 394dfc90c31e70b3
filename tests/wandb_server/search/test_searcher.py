"""Suggestions: inside the space, never twice, repeatable from the seed, and good."""

import itertools
import math
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.wandb_server.search.searcher import Searcher, Trial
from src.wandb_server.states import RunState
from tests.wandb_server.search.searches import (
    MIXED,
    SMALL,
    SMALL_SIZE,
    bowl,
    finished,
    keys,
    run,
    spec,
)


@pytest.mark.parametrize("method", ["bayes", "random"])
def test_suggestions_are_nested_and_inside_the_space(method: str) -> None:
    trials = run(Searcher(spec(method, MIXED)), 40, bowl)
    for params in (trial.params for trial in trials):
        assert list(params) == list(MIXED)
        assert 1e-4 <= params["learning_rate"] <= 1e-1
        assert params["hidden_sizes"] in MIXED["hidden_sizes"]["values"]
        assert repr(params["flags"]) in {"True", "1", "'1'", "0.5"}
        assert params["layers"] in (1, 2, 3, 4)
        assert type(params["layers"]) is int
        assert 0 <= params["group"]["dropout"] <= 0.5
        assert params["group"]["deep"] == {"a": 1}
    assert {repr(trial.params["flags"]) for trial in trials} >= {"True", "1"}


@pytest.mark.parametrize("method", ["bayes", "random", "grid"])
def test_a_finite_space_is_searched_whole_without_repeats_and_then_ends(method: str) -> None:
    searcher = Searcher(spec(method, SMALL))
    trials = run(searcher, SMALL_SIZE + 5, lambda params: params["layers"])
    assert len(trials) == len(keys(trials)) == SMALL_SIZE
    assert searcher.suggest(trials) is None
    assert searcher.suggest(trials[:-1]) == trials[-1].params


def test_grid_goes_in_the_order_of_the_file_last_parameter_fastest() -> None:
    trials = run(Searcher(spec("grid", SMALL)), SMALL_SIZE, lambda _: 0.0)
    assert [trial.params for trial in trials] == [
        {"optimizer": o, "size": s, "layers": n, "dropout": d, "dataset": "mnist"}
        for o, s, n, d in itertools.product(
            ["sgd", "adam"], [[64], [64, 128]], [1, 2, 3], [0.0, 0.25, 0.5]
        )
    ]


def test_grid_fills_the_gaps_that_deleted_runs_leave() -> None:
    searcher = Searcher(spec("grid", SMALL))
    trials = run(searcher, SMALL_SIZE, lambda _: 0.0)
    gap = trials.pop(7)
    assert searcher.suggest(trials) == gap.params


def test_a_huge_grid_starts_at_once() -> None:
    parameters = {f"x{i}": {"min": 0, "max": 10**6} for i in range(9)}
    trials = run(Searcher(spec("grid", parameters)), 3, lambda _: 0.0)
    assert [trial.params["x8"] for trial in trials] == [0, 1, 2]


@pytest.mark.parametrize("method", ["bayes", "random"])
def test_same_seed_and_trials_give_the_same_suggestion_after_a_restart(method: str) -> None:
    old = Searcher(spec(method, MIXED))
    trials = run(old, 30, bowl)
    running = [*trials, Trial(trials[0].params | {"layers": 2}, RunState.RUNNING, 0.3)]
    for history in (trials, running, trials[:5]):
        assert Searcher(spec(method, MIXED)).suggest(history) == old.suggest(history)
    other = Searcher(spec(method, MIXED, seed=1))
    assert other.suggest(trials) != old.suggest(trials)


def test_without_a_seed_every_searcher_draws_its_own() -> None:
    first, second = (Searcher(spec("random", MIXED, seed=None)) for _ in range(2))
    assert first.suggest([]) == first.suggest([])
    assert first.suggest([]) != second.suggest([])


@pytest.mark.parametrize("method", ["bayes", "random"])
def test_agents_asking_in_parallel_get_different_configurations(method: str) -> None:
    searcher = Searcher(spec(method, SMALL))
    trials: list[Trial] = []
    while (params := searcher.suggest(trials)) is not None:
        trials.append(Trial(params, RunState.RUNNING, None))
    assert len(keys(trials)) == SMALL_SIZE


OUTSIDE: list[dict[str, Any]] = [
    {},
    {"optimizer": "sgd"},
    {"optimizer": "lion", "size": [64], "layers": 1, "dropout": 0.0, "dataset": "mnist"},
    {"optimizer": "sgd", "size": [64], "layers": 9, "dropout": 0.0, "dataset": "mnist"},
    {"optimizer": "sgd", "size": [64], "layers": 1, "dropout": 0.1, "dataset": "mnist"},
    {"optimizer": "sgd", "size": [64], "layers": 1, "dropout": 0.0, "dataset": "cifar10"},
    {"optimizer": {"name": "sgd"}, "size": 64, "layers": None, "dropout": "x", "dataset": []},
]


@pytest.mark.parametrize("method", ["bayes", "random", "grid"])
def test_trials_outside_the_space_are_ignored(method: str) -> None:
    searcher = Searcher(spec(method, SMALL))
    trials = [finished(params, -99.0) for params in OUTSIDE] * 3
    for _ in range(SMALL_SIZE):
        params = searcher.suggest(trials)
        assert params is not None
        trials.append(finished(params, params["layers"]))
    assert searcher.suggest(trials) is None


@pytest.mark.parametrize("method", ["bayes", "random", "grid"])
def test_a_configuration_is_known_again_after_a_trip_through_json(method: str) -> None:
    """JSON may turn 0.0 into 0 and 3 into 3.0, and runs log more than the sweep's parameters."""
    searcher = Searcher(spec(method, SMALL))
    trials: list[Trial] = []
    while (params := searcher.suggest(trials)) is not None:
        dropout = int(params["dropout"]) if params["dropout"] == 0 else params["dropout"]
        back = {**params, "layers": float(params["layers"]), "dropout": dropout, "host": "here"}
        trials.append(finished(back, 1.0))
        assert len(trials) <= SMALL_SIZE
    assert len(trials) == SMALL_SIZE


def test_random_search_follows_the_distributions() -> None:
    parameters = {
        "rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0},
        "layers": {"values": [1, 2], "probabilities": [0.8, 0.2]},
    }
    trials = run(Searcher(spec("random", parameters)), 400, lambda _: 0.0)
    low = sum(trial.params["rate"] < 1e-2 for trial in trials)
    ones = sum(trial.params["layers"] == 1 for trial in trials)
    assert 160 <= low <= 240  # half of them, within 4 standard deviations
    assert 288 <= ones <= 352  # 0.8 of them


def test_a_fully_constant_sweep_has_one_run() -> None:
    for method in ("bayes", "random", "grid"):
        trials = run(Searcher(spec(method, {"x": {"value": 1}})), 3, lambda _: 0.0)
        assert [trial.params for trial in trials] == [{"x": 1}]


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from(["a", "1", ""]),
    st.lists(st.integers(0, 2)),
)
entries = st.one_of(
    st.lists(values, min_size=1, max_size=4).map(lambda some: {"values": some}),
    st.integers(-3, 3).flatmap(
        lambda low: st.integers(1, 4).map(lambda width: {"min": low, "max": low + width})
    ),
    st.sampled_from([0.1, 0.5, 2]).map(
        lambda q: {"distribution": "q_uniform", "min": 0, "max": 4 * q, "q": q}
    ),
)
spaces = st.dictionaries(st.sampled_from("abcd"), entries, min_size=1, max_size=3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spaces, st.sampled_from(["bayes", "random", "grid"]), st.integers(0, 9))
def test_any_finite_space_is_searched_whole_without_repeats(
    parameters: dict[str, Any], method: str, seed: int
) -> None:
    parsed = spec(method, parameters, seed)
    size = math.prod(one.size or 0 for one in parsed.parameters.values())
    noise = random.Random(seed)
    trials = run(Searcher(parsed), min(size, 40) + 1, lambda _: noise.random())
    assert len(keys(trials)) == len(trials) == min(size, 41)
    for trial in trials:
        for (name,), one in parsed.parameters.items():
            assert one.key(trial.params[name]) is not None
