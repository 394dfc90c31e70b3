"""The test of a hyperparameter's effect, against SciPy's own, and its power, against sweeps."""

import numpy as np
import pytest
from scipy import stats

from src.wandb_server.importance.evidence import MOST_RUNS, POWER, Evidence
from src.wandb_server.importance.factors import Factor, factors


def choice(rng: np.random.Generator, runs: int, values: int = 3) -> Factor:
    [found] = factors([({"x": f"v{rng.integers(values)}"}, 0.0) for _ in range(runs)], {})
    return found


def test_of_a_choice_it_is_the_analysis_of_variance_of_the_ranks() -> None:
    rng = np.random.default_rng(0)
    factor, results = choice(rng, 30), rng.normal(size=30)
    ranks = stats.rankdata(results)
    groups = [ranks[factor.codes() == code] for code in range(3)]
    assert Evidence(factor, results).p == pytest.approx(stats.f_oneway(*groups).pvalue)
    # Kruskal and Wallis's H is the explained share, but for a factor.
    assert Evidence(factor, results).share == pytest.approx(
        stats.kruskal(*(results[factor.codes() == code] for code in range(3))).statistic / 29
    )


@pytest.mark.parametrize("bend", [lambda x: x, lambda x: -x, lambda x: (x - 0.5) ** 2])
def test_a_range_is_told_whether_it_rises_falls_or_turns_and_up_to_scale(bend: object) -> None:
    assert callable(bend)
    rng = np.random.default_rng(0)
    values = rng.random(30)
    [factor] = factors([({"x": float(v)}, 0.0) for v in values], {"x": "linear"})
    results = np.array([bend(v) for v in values]) + 0.05 * rng.normal(size=30)
    assert Evidence(factor, results).p < 1e-3
    assert Evidence(factor, results * 1e300).p == Evidence(factor, results).p


def test_it_tells_by_chance_as_often_as_it_says_with_few_runs_too() -> None:
    """Of 400 tests of nothing at level .05, 20 are expected; 36 or more in 1 of 2,000 cases."""
    rng = np.random.default_rng(0)
    for runs in (8, 10, 20):
        p = [Evidence(choice(rng, runs), rng.normal(size=runs)).p for _ in range(400)]
        assert sum(value < 0.05 for value in p) < 36


def test_a_value_for_every_run_and_equal_results_tell_nothing() -> None:
    [names] = factors([({"x": f"v{i}"}, 0.0) for i in range(9)], {})
    for evidence in (
        Evidence(names, np.arange(9.0)),
        Evidence(choice(np.random.default_rng(0), 9), np.ones(9)),
    ):
        assert (evidence.p, evidence.effect, evidence.runs_needed(0.01)) == (1.0, 0.0, None)


def test_a_perfect_effect_is_told() -> None:
    [factor] = factors([({"x": i}, 0.0) for i in range(12)], {"x": "linear"})
    assert Evidence(factor, np.arange(12.0)).p < 1e-9


def test_so_many_runs_tell_an_effect_of_that_size_in_four_of_five_sweeps() -> None:
    rng = np.random.default_rng(1)
    level = 0.05 / 7

    def sweep(runs: int) -> Evidence:
        factor = choice(rng, runs)
        return Evidence(factor, 0.8 * (factor.codes() == 0) + rng.normal(size=runs))

    true = sweep(20_000)  # how large the effect is
    small = sweep(20)
    small.share = 1 - (1 - true.effect) * small.left / (small.freedom + small.left)
    needed = small.runs_needed(level)
    assert needed is not None
    told = np.mean([sweep(needed).p < level for _ in range(300)])
    assert told == pytest.approx(POWER, abs=0.08)  # three standard errors
    assert 20 < needed < MOST_RUNS


def test_an_effect_next_to_nothing_takes_more_than_is_worth_a_guess() -> None:
    tested = Evidence(
        choice(np.random.default_rng(0), 20), np.random.default_rng(5).normal(size=20)
    )
    tested.share = (tested.freedom + 0.01) / (tested.freedom + tested.left)
    assert tested.runs_needed(0.05 / 7) is None
