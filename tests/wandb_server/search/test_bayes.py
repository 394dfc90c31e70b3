"""What Bayesian search learns from the runs so far, and from those that go on."""

import math
import statistics
import subprocess
import sys
from typing import cast

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from src.shared.paths import ROOT
from src.wandb_server.search.searcher import Searcher, Trial, _Sampler
from src.wandb_server.states import RunState
from tests.wandb_server.search.searches import MIXED, bowl, finished, keys, run, spec


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
