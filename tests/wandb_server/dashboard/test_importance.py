"""What a sweep's page says of its hyperparameters."""

import math
import random
from typing import Any

import pytest

from src.wandb_server.dashboard.importance import MIN_RUNS, Scale, importances

LOGARITHMIC: dict[str, Scale] = {"learning_rate": "logarithmic", "noise": "linear"}
LINEAR: dict[str, Scale] = {"learning_rate": "linear", "noise": "linear"}


def trials(seed: int = 0) -> list[tuple[dict[str, Any], float]]:
    """Results that the learning rate decides, the optimizer shifts, and nothing else touches."""
    rng = random.Random(seed)
    found = []
    for _ in range(40):
        params: dict[str, Any] = {
            "learning_rate": 10 ** rng.uniform(-5, -1),
            "optimizer": rng.choice(["sgd", "adam"]),
            "noise": rng.random(),
            "dataset": "mnist",
        }
        shift = 2.0 if params["optimizer"] == "adam" else 0.0
        found.append((params, math.log10(params["learning_rate"]) + shift))
    return found


def test_what_decides_the_result_is_most_important_and_shares_sum_to_one() -> None:
    found = importances(trials(), maximize=True, scales=LOGARITHMIC)
    assert [item.name for item in found] == ["learning_rate", "optimizer", "noise"]
    assert found[0].importance > 0.5
    assert sum(item.importance for item in found) == pytest.approx(1)


def test_correlation_is_of_the_logarithm_where_the_search_is() -> None:
    found = {i.name: i for i in importances(trials(), maximize=True, scales=LOGARITHMIC)}
    plain = {i.name: i for i in importances(trials(), maximize=True, scales=LINEAR)}
    assert found["learning_rate"].correlation == pytest.approx(0.8, abs=0.1)
    assert (plain["learning_rate"].correlation or 0) < 0.7
    assert found["optimizer"].correlation is None


def test_words_follow_the_goal() -> None:
    high = {i.name: i.direction for i in importances(trials(), True, LOGARITHMIC)}
    low = {i.name: i.direction for i in importances(trials(), False, LOGARITHMIC)}
    assert high["learning_rate"] == "mostly higher was better"
    assert low["learning_rate"] == "mostly lower was better"
    assert high["noise"] == "no clear direction"
    assert high["optimizer"].startswith("adam did best")
    assert low["optimizer"].startswith("sgd did best")


def test_too_few_runs_or_equal_results_say_nothing() -> None:
    assert importances(trials()[: MIN_RUNS - 1], True, LOGARITHMIC) == []
    equal = [(params, 1.0) for params, _ in trials()]
    assert importances(equal, True, LOGARITHMIC) == []


def test_parameters_that_are_missing_mixed_or_lists_are_choices() -> None:
    values = [True, 1, None, "1", [64, 64], float("inf")]
    odd = [({"x": values[i % 6]} if i % 6 != 2 else {}, float(i % 6)) for i in range(24)]
    [found] = importances(odd, True, {})
    assert found.correlation is None
    assert found.importance == pytest.approx(1)
    assert "not set" in dict(found.means)


@pytest.mark.parametrize("huge", [10**400, 1e200, math.inf, math.nan])
def test_numbers_that_a_forest_cannot_reckon_with_are_choices(huge: float) -> None:
    found = trials()
    found[0][0]["noise"] = huge
    by_name = {i.name: i for i in importances(found, maximize=True, scales=LOGARITHMIC)}
    assert by_name["noise"].correlation is None
    assert by_name["learning_rate"].correlation is not None


def test_the_scale_of_results_does_not_matter_up_to_the_end_of_all_floats() -> None:
    plain = importances(trials(), True, LOGARITHMIC)
    top = max(abs(result) for _, result in trials())
    found = [(params, result / top * 1.7e308) for params, result in trials()]
    for one, huge in zip(plain, importances(found, True, LOGARITHMIC), strict=True):
        assert huge.name == one.name
        assert huge.importance == pytest.approx(
            one.importance, abs=0.01
        )  # ties are split otherwise
        assert huge.correlation == (one.correlation and pytest.approx(one.correlation))
        assert all(math.isfinite(mean) for _, mean in huge.means)
