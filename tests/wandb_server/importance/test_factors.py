"""What counts as a range, what as a choice, and which runs say something."""

from typing import Any

import numpy as np
import pytest

from src.wandb_server.importance.factors import MOST_VALUES, Factor, factors


def factor(values: list[Any], **scales: Any) -> Factor:
    [found] = factors([({"x": value}, 0.0) for value in values], scales)
    return found


def test_a_searched_range_is_a_number_on_its_scale() -> None:
    assert factor([0.1, 0.2, 0.4], x="linear").numbers == pytest.approx([0.1, 0.2, 0.4])
    assert factor([0.01, 0.1, 1], x="logarithmic").numbers == pytest.approx(np.log([0.01, 0.1, 1]))
    assert factor([0, 0.1, 1], x="logarithmic").numbers == pytest.approx([0, 0.1, 1])


def test_numbers_in_a_list_are_a_choice_unless_few_runs_have_each() -> None:
    assert factor([32, 64, 128] * 3).numbers is None
    assert factor([32, 64, 128] * 3).design().shape == (9, 3)
    assert factor([32, 64, 128] * 2).numbers == pytest.approx([32, 64, 128] * 2)
    assert factor([0.001, 0.01, 0.1]).numbers == pytest.approx(np.log([0.001, 0.01, 0.1]))


@pytest.mark.parametrize("odd", [10**400, 1e200, float("inf"), float("nan"), "NaN", True, "a", "1"])
def test_what_is_no_number_makes_a_choice(odd: Any) -> None:
    found = factor([0.1, 0.2, odd], x="linear")
    assert (found.numbers, found.plain) == (None, None)
    assert np.isfinite(found.columns()).all()


def test_true_one_and_the_text_one_are_three_values_and_one_point_zero_is_one() -> None:
    assert list(factor([True, 1, "1", 1.0, None, [64], [64]]).codes()) == [0, 1, 2, 1, 3, 4, 4]


def test_constants_do_not_count_and_runs_without_one_say_nothing_of_it() -> None:
    trials: list[Any] = [
        ({"a": i, "c": 7} | ({"m": i / 10} if i % 2 else {}), 0.0) for i in range(8)
    ]
    a, m = factors(trials, {"a": "linear", "m": "linear"})
    assert (a.name, m.name) == ("a", "m")
    assert list(m.present) == [1, 3, 5, 7]
    assert len(m.design()) == 4
    # To a tree they have what says least.
    assert m.columns()[:, 0] == pytest.approx([0.4, 0.1, 0.4, 0.3, 0.4, 0.5, 0.4, 0.7])


def test_whole_numbers_that_no_float_tells_apart_are_a_choice() -> None:
    assert factor([2**60, 2**60 + 1], x="linear").numbers is None


def test_of_a_choice_with_very_many_values_the_rarest_count_as_one() -> None:
    often = [f"often{i}" for i in range(MOST_VALUES - 1)]
    found = factor([*(f"once{i}" for i in range(100)), *often, *often])
    design = found.design()
    assert design.shape == (100 + 2 * len(often), MOST_VALUES)
    assert sorted(design.sum(axis=0)) == [2.0] * len(often) + [100.0]
    assert (design[:100] == design[0]).all()
    assert len(set(found.codes())) == 100 + len(often)
