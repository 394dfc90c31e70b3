"""Where the values of a parameter lie, which of them stand for all, and where brackets are."""

from typing import Any

import pytest

from src.sweep_language.distributions import Numeric
from src.sweep_language.early_terminate import Hyperband, brackets
from tests.sweep_language.parsing import parameter


@pytest.mark.parametrize(
    ("entry", "values"),
    [
        ({"value": "adam"}, ["adam"]),
        ({"values": [3, 1, 2]}, [3, 1, 2]),
        ({"min": 2, "max": 7}, [2, 7]),
        ({"min": 0.5, "max": 2.0}, [0.5, 2.0]),
        ({"distribution": "q_uniform", "min": 1, "max": 10, "q": 4}, [4, 8]),
        ({"distribution": "log_uniform_values", "min": 0.001, "max": 0.1}, [0.001, 0.1]),
        ({"distribution": "log_uniform", "min": 0, "max": 1}, [1.0, pytest.approx(2.718281828)]),
        ({"distribution": "inv_log_uniform", "min": 0, "max": 1}, [pytest.approx(0.36787944), 1.0]),
        # Where no draw reaches the ends, the middle.
        ({"distribution": "beta"}, [0.5]),
        ({"distribution": "normal", "mu": 3, "sigma": 2}, [pytest.approx(3.0)]),
        ({"distribution": "log_normal", "mu": 0, "sigma": 2}, [pytest.approx(1.0)]),
        ({"distribution": "q_normal", "mu": 3, "sigma": 2, "q": 2}, [4]),
    ],
)
def test_the_values_that_stand_for_all_are_those_listed_both_ends_or_the_middle(
    entry: dict[str, Any], values: list[Any]
) -> None:
    assert parameter(entry).representatives() == values


def test_a_rounded_normal_reaches_half_a_step_further_on_both_sides() -> None:
    plain = parameter({"distribution": "normal", "mu": 0, "sigma": 1})
    rounded = parameter({"distribution": "q_normal", "mu": 0, "sigma": 1, "q": 4})
    assert isinstance(plain, Numeric)
    assert isinstance(rounded, Numeric)
    assert (plain.low, plain.high) == pytest.approx((-8.2095, 8.2095), abs=1e-3)
    assert (rounded.low, rounded.high) == pytest.approx((plain.low - 2, plain.high + 2))
    assert rounded.size == 5  # -8, -4, 0, 4, 8


@pytest.mark.parametrize(
    ("settings", "points"),
    [
        (Hyperband(max_iter=27, s=2), (3, 9)),
        (Hyperband(max_iter=27, s=3), (1, 3, 9)),
        (Hyperband(max_iter=27, s=9), (1, 3, 9)),
        (Hyperband(min_iter=1, max_iter=8, s=1, eta=2), (4,)),
    ],
)
def test_s_is_the_number_of_brackets(settings: Hyperband, points: tuple[int, ...]) -> None:
    assert brackets(settings) == points


def test_brackets_end_after_a_hundred() -> None:
    assert len(brackets(Hyperband(min_iter=1000, eta=1.01))) == 100
    assert brackets(Hyperband(min_iter=3, eta=2))[:3] == (3, 6, 12)
    assert brackets(Hyperband(min_iter=3, eta=2))[-1] == 3 * 2**28  # below a milliard
