"""Medians, spreads and ratios."""

import pytest

from benchmarks.samples import Summary, median_ratio


def test_a_summary_is_the_middle_and_the_ends() -> None:
    assert Summary.of([3.0, 1.0, 2.0, 10.0]) == Summary(median=2.5, least=1.0, most=10.0)


def test_no_samples_are_no_summary() -> None:
    with pytest.raises(ValueError, match="no samples"):
        Summary.of([])


def test_a_ratio_is_taken_round_by_round() -> None:
    # The second round was slow for both: the ratio of the medians would be 4, or 2 the other way.
    assert median_ratio([20.0, 4.0, 20.0], [10.0, 2.0, 5.0]) == 2.0


def test_a_ratio_wants_the_same_rounds() -> None:
    with pytest.raises(ValueError, match="shorter"):
        median_ratio([1.0, 2.0], [1.0])
