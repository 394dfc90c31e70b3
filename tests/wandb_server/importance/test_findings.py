"""What is said to matter in made-up sweeps of which it is known.

``benchmarks/importance.py`` measures the same at length. Bounds are such that chance breaks one in
less than about 1 of 1,000 cases; seeds are fixed.
"""

import math
import random
from typing import Any

import numpy as np
import pytest

from benchmarks.planted import EFFECTS, planted
from src.wandb_server.dashboard.importance import scales_of
from src.wandb_server.importance.evidence import LEVEL, Evidence
from src.wandb_server.importance.factors import Scale, Trial, factors
from src.wandb_server.importance.findings import MIN_RUNS, Findings, findings

REAL = [effect for effect in EFFECTS if effect != "none"]
SCALES: dict[str, Scale] = {"learning_rate": "logarithmic", "noise": "linear"}


def told(effect: str, runs: int, seed: int) -> str | None:
    """What is told first, without growing trees."""
    spec, trials = planted(effect, runs, seed)
    found = factors(trials, scales_of(spec))
    values = np.array([result for _, result in trials])
    p, name = min((Evidence(one, values).p, one.name) for one in found)
    return name if p < LEVEL / len(found) else None


def test_of_sweeps_in_which_nothing_matters_hardly_any_says_that_something_does() -> None:
    """Of 100, 5 are expected; 14 or more in 1 of 2,000 cases."""
    assert sum(told("none", 20, seed) is not None for seed in range(100)) < 14


@pytest.mark.parametrize("effect", REAL)
def test_fifty_runs_tell_half_of_the_variance_whatever_its_kind(effect: str) -> None:
    planted_effect = EFFECTS[effect]
    assert planted_effect is not None
    names = [told(effect, 50, seed) for seed in range(15)]
    assert names.count(planted_effect[0]) >= 12  # 0.97 and more of all sweeps


@pytest.mark.parametrize("effect", REAL)
def test_the_one_that_matters_has_the_largest_share(effect: str) -> None:
    planted_effect = EFFECTS[effect]
    assert planted_effect is not None
    spec, trials = planted(effect, 50, 0)
    found = findings(trials, True, scales_of(spec))
    assert found is not None
    first = found.items[0]
    assert first.name == found.told[0].name == planted_effect[0]
    assert first.share == pytest.approx(0.4, abs=0.35)
    assert 0.02 < first.spread < 0.3
    assert all(abs(other.share) < 0.2 for other in found.items[1:])


def trials(seed: int = 0) -> list[Trial]:
    """Results that the learning rate decides, the optimizer shifts, and nothing else touches."""
    rng = random.Random(seed)
    found: list[Trial] = []
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


def known(trials: list[Trial], maximize: bool = True) -> Findings:
    found = findings(trials, maximize, SCALES)
    assert found is not None
    return found


def test_those_that_matter_come_first_and_constants_not_at_all() -> None:
    found = known(trials())
    assert [item.name for item in found.items] == ["learning_rate", "optimizer", "noise"]
    assert [item.told for item in found.items] == [True, True, False]
    assert (found.runs, found.level) == (40, LEVEL / 3)


def test_wandbs_figures_are_shares_of_one_and_correlations_of_the_number_as_it_is() -> None:
    by_name = {item.name: item for item in known(trials()).items}
    assert sum(item.impurity for item in by_name.values()) == pytest.approx(1)
    rates = [params["learning_rate"] for params, _ in trials()]
    plain = np.corrcoef(rates, [result for _, result in trials()])[0, 1]
    assert by_name["learning_rate"].correlation == pytest.approx(plain)
    assert by_name["optimizer"].correlation is None


@pytest.mark.parametrize("maximize", [True, False])
def test_groups_are_the_parts_of_a_range_and_the_values_of_a_choice_best_first(
    maximize: bool,
) -> None:
    by_name = {item.name: item for item in known(trials(), maximize).items}
    best, *_, worst = by_name["learning_rate"].groups
    assert (best.low > worst.high) is maximize
    assert [group.runs for group in by_name["learning_rate"].groups] == [10, 10, 10, 10]
    assert by_name["optimizer"].groups[0].low == ("adam" if maximize else "sgd")


def test_equal_numbers_of_a_range_stay_together() -> None:
    rng = random.Random(0)
    layers: list[Trial] = [({"noise": rng.choice([1, 2, 3])}, rng.random()) for _ in range(30)]
    [item] = known(layers).items
    assert sorted((group.low, group.high) for group in item.groups) == [(1, 1), (2, 2), (3, 3)]


def test_one_that_only_some_runs_have_is_judged_by_those() -> None:
    """Momentum matters not, but the optimizer that alone has it is better by far."""
    rng = random.Random(3)
    found: list[Trial] = []
    for i in range(40):
        own = {"momentum": rng.random()} if i % 2 else {}
        found.append(({"optimizer": ["adam", "sgd"][i % 2], **own}, i % 2 + 0.1 * rng.random()))
    by_name = {item.name: item for item in known(found).items}
    assert by_name["optimizer"].told
    assert not by_name["momentum"].told
    assert by_name["momentum"].share < 0.1
    assert sum(group.runs for group in by_name["momentum"].groups) == 20


def test_too_few_runs_or_equal_results_say_nothing() -> None:
    assert findings(trials()[: MIN_RUNS - 1], True, SCALES) is None
    assert findings([(params, 1.0) for params, _ in trials()], True, SCALES) is None
    assert findings([({"dataset": "mnist"}, float(i)) for i in range(9)], True, {}) is None


def test_values_of_any_kind_are_counted() -> None:
    values = [True, 1, None, "1", [64, 64], float("inf")]
    odd: list[Trial] = [
        ({"x": values[i % 6]} if i % 6 != 2 else {}, float(i % 6)) for i in range(24)
    ]
    [found] = known(odd).items
    assert found.correlation is None
    assert found.told


@pytest.mark.parametrize("huge", [10**400, 1e200, math.inf, math.nan])
def test_numbers_that_a_tree_cannot_reckon_with_are_choices(huge: float) -> None:
    found: list[Trial] = trials()
    found[0] = ({**found[0][0], "noise": huge}, found[0][1])
    by_name = {item.name: item for item in known(found).items}
    assert by_name["noise"].correlation is None
    assert by_name["learning_rate"].correlation is not None


def test_the_scale_of_results_does_not_matter_up_to_the_end_of_all_floats() -> None:
    top = max(abs(result) for _, result in trials())
    huge = known([(params, result / top * 1.7e308) for params, result in trials()])
    for one, same in zip(known(trials()).items, huge.items, strict=True):
        assert (same.name, same.share, same.p) == (one.name, one.share, one.p)
        assert same.correlation == (one.correlation and pytest.approx(one.correlation))
        assert all(math.isfinite(group.mean) for group in same.groups)


def test_runs_that_diverged_do_not_hide_what_matters() -> None:
    found = [(params, result if i % 10 else -1e30) for i, (params, result) in enumerate(trials())]
    assert known(found).told[0].name == "learning_rate"


def test_a_single_odd_result_among_many_is_no_error() -> None:
    rng = random.Random(0)
    [item] = known([({"noise": rng.random()}, float(i == 1)) for i in range(1200)]).items
    assert (item.share, item.spread) == (0.0, 0.0)


def test_one_is_said_to_matter_most_only_beyond_the_spreads() -> None:
    rng = random.Random(0)

    def twins(weight: float) -> Findings:
        pairs = [(rng.random(), rng.random()) for _ in range(60)]
        return known([({"noise": a, "learning_rate": b}, a + weight * b) for a, b in pairs])

    alike, apart = twins(1.0), twins(0.2)
    assert len(alike.told) == 2
    assert not alike.clear
    assert apart.clear


def test_what_does_not_tell_names_the_likeliest_and_its_chance() -> None:
    spec, made = planted("none", 20, 0)
    found = findings(made, True, scales_of(spec))
    assert found is not None
    assert found.told == ()
    assert not found.clear
    assert found.likeliest.p == min(item.p for item in found.items)
    assert found.chance == pytest.approx(1 - (1 - found.likeliest.p) ** 7)
    assert found.needed is None or found.needed > 20
