"""Suggestions: inside the space, never twice, repeatable from the seed, and good."""

import itertools
import math
import random
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution

from src.shared.paths import ROOT
from src.sweep_language.grammar import SweepSpec, parse_sweep
from src.wandb_server.search.searcher import Searcher, Trial, _Sampler
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


def test_the_model_keeps_away_from_configurations_that_are_running() -> None:
    """Constant liar: with runs going on at its favourite place, it looks elsewhere."""
    line = {"x": {"min": 0.0, "max": 1.0}}

    def suggestion(history: list[Trial], seed: int) -> float:
        params = Searcher(spec("bayes", line, seed=seed)).suggest(history)
        assert params is not None
        return float(params["x"])

    def spread(running: int) -> float:
        past = [finished({"x": i / 40}, abs(i / 40 - 0.5)) for i in range(41)]
        now = [Trial({"x": 0.5 + i / 1000}, RunState.RUNNING, None) for i in range(running)]
        return statistics.mean(abs(suggestion(past + now, seed) - 0.5) for seed in range(15))

    assert spread(running=0) < 0.05
    assert spread(running=15) > 2 * spread(running=0)


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_bayes_beats_random_search_in_both_directions(goal: str) -> None:
    sign = 1 if goal == "minimize" else -1

    def best(method: str, seed: int) -> float:
        searcher = Searcher(spec(method, MIXED, seed=seed, goal=goal))
        trials = run(searcher, 40, lambda params: sign * bowl(params))
        return min(sign * cast(float, trial.value) for trial in trials)

    seeds = range(7)
    random_best = statistics.median(best("random", seed) for seed in seeds)
    bayes_best = [best("bayes", seed) for seed in seeds]
    assert statistics.median(bayes_best) < random_best / 1.5
    assert sum(value < random_best for value in bayes_best) >= 6


def test_bayes_learns_from_trials_out_of_order_of_completion() -> None:
    """Runs that end late, or that an edit of history changes, are taken as they are now."""
    searcher = Searcher(spec("bayes", MIXED))
    trials = run(searcher, 20, bowl)
    by_loss = sorted(trials, key=lambda trial: cast(float, trial.value))
    late = [
        Trial(one.params, RunState.RUNNING, None) if one in by_loss[:2] else one for one in trials
    ]
    later = [
        Trial(one.params, RunState.RUNNING, None) if one is by_loss[0] else one for one in trials
    ]
    edited = [finished(one.params, 9.0) if one is by_loss[0] else one for one in trials]
    suggestions = []
    for history in (late, later, trials, edited, trials[4:]):
        suggestions.append(searcher.suggest(history))
        assert suggestions[-1] == Searcher(spec("bayes", MIXED)).suggest(history)
    # Each change tells the model something.
    assert len({repr(params) for params in suggestions}) >= 4


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
@pytest.mark.parametrize("state", [RunState.FINISHED, RunState.FAILED, RunState.RUNNING])
def test_runs_without_a_finite_value_do_not_break_the_search(
    state: RunState, value: float | None
) -> None:
    searcher = Searcher(spec("bayes", MIXED))
    trials = run(searcher, 25, bowl)
    broken = [Trial(one.params, state, value) if i % 2 else one for i, one in enumerate(trials)]
    assert searcher.suggest(broken) is not None
    nothing = [Trial(one.params, state, value) for one in trials]
    assert repr(searcher.suggest(nothing)) not in keys(trials)


def test_the_model_avoids_where_runs_fail() -> None:
    line = {"x": {"min": 0.0, "max": 1.0}}
    # The loss falls towards 1, but beyond 0.6 everything fails.
    past = [
        Trial({"x": i / 40}, RunState.FAILED, 0.0)
        if i > 24
        else finished({"x": i / 40}, 1 - i / 40)
        for i in range(41)
    ]
    suggestions = [Searcher(spec("bayes", line, seed=s)).suggest(past) for s in range(15)]
    assert sum(params is not None and params["x"] < 0.65 for params in suggestions) >= 12


def test_a_crash_does_not_count_against_a_configuration_that_finished_later() -> None:
    searcher = Searcher(spec("bayes", MIXED))
    trials = run(searcher, 20, bowl)
    with_crash = [Trial(trials[0].params, RunState.FAILED, None), *trials[1:], trials[0]]
    without = [*trials[1:], trials[0]]
    # A run more changes the draw; pad with one that is outside the space, and so ignored.
    assert searcher.suggest(with_crash) == searcher.suggest([finished({}), *without])


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


CHATTERBOX = """
from src.wandb_server.states import RunState
from src.wandb_server.search.searcher import Searcher, Trial
from src.sweep_language.grammar import parse_sweep
config = {"method": "bayes", "metric": {"name": "a"}, "parameters": {"x": {"min": 0.0, "max": 1.0}}}
searcher, trials = Searcher(parse_sweep(config)), []
for i in range(15):
    params = searcher.suggest(trials)
    trials.append(Trial(params, RunState.FINISHED, float("nan") if i == 3 else params["x"]))
"""


def test_the_search_says_nothing_on_the_terminal() -> None:
    outcome = subprocess.run(
        [sys.executable, "-W", "always", "-c", CHATTERBOX],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (outcome.stdout, outcome.stderr) == ("", "")


def test_all_parameters_but_constants_are_modelled_together() -> None:
    distributions = {"0": FloatDistribution(0, 1), "1": CategoricalDistribution((5,))}
    sampler = _Sampler({**distributions, "2": FloatDistribution(2, 3)}, seed=0)
    assert list(sampler.infer_relative_search_space(None, None)) == ["0", "2"]
