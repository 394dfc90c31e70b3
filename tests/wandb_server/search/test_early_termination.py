"""Hyperband: where the brackets are, and who is stopped there."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.sweep_language.early_terminate import Hyperband, brackets
from src.sweep_language.metric import Goal
from src.wandb_server.search.early_termination import (
    StopReason,
    should_stop,
    stopped_in_hindsight,
)

HALVING = Hyperband(min_iter=1, eta=2.0)
THIRDS = Hyperband(min_iter=1, eta=3.0)


@pytest.mark.parametrize(
    ("settings", "first"),
    [
        (Hyperband(min_iter=1), (1, 3, 9, 27)),
        (Hyperband(min_iter=3), (3, 9, 27, 81)),
        (Hyperband(min_iter=2, eta=2.0), (2, 4, 8, 16)),
        (Hyperband(min_iter=1, eta=1.5), (1, 2, 3, 5)),  # 1, 1.5, 2.25, 3.375, 5.06 rounded down
    ],
)
def test_min_iter_gives_brackets_upwards(settings: Hyperband, first: tuple[int, ...]) -> None:
    assert brackets(settings)[:4] == first


@pytest.mark.parametrize(
    ("settings", "all_of_them"),
    [
        (Hyperband(max_iter=27, s=2), (3, 9)),
        (Hyperband(max_iter=19, s=2), (2, 6)),
        (Hyperband(max_iter=9, s=5), (1, 3)),  # 9/27 and below are no whole point
        (Hyperband(max_iter=16, s=3, eta=2.0), (2, 4, 8)),
        (Hyperband(max_iter=49**2, s=2, eta=49.0), (1, 49)),  # 49 * (1 / 49) is below 1
        (Hyperband(max_iter=2, s=1), ()),
        (Hyperband(min_iter=5, max_iter=27, s=2), (3, 9)),  # max_iter and s win
    ],
)
def test_max_iter_gives_brackets_downwards(
    settings: Hyperband, all_of_them: tuple[int, ...]
) -> None:
    assert brackets(settings) == all_of_them


def test_brackets_without_a_start_are_refused() -> None:
    with pytest.raises(ValueError, match="min_iter, or max_iter and s"):
        brackets(Hyperband(max_iter=9))


@given(
    st.builds(
        Hyperband,
        min_iter=st.integers(1, 10**6),
        max_iter=st.none() | st.integers(1, 10**12),
        s=st.none() | st.integers(1, 10**9),
        eta=st.floats(1, 1e300, exclude_min=True),
    )
)
def test_brackets_are_few_rising_and_finite(settings: Hyperband) -> None:
    found = brackets(settings)
    assert len(found) <= 100
    assert list(found) == sorted(set(found))
    assert all(1 <= bracket <= 10**9 for bracket in found)


@pytest.mark.parametrize(
    ("settings", "goal", "history", "others", "reason"),
    [
        pytest.param(THIRDS, Goal.MINIMIZE, [9.0], [], None, id="the first run is alone"),
        pytest.param(
            THIRDS, Goal.MINIMIZE, [0.9], [[0.5]], StopReason(1, 0.9, 0.5), id="the worse of two"
        ),
        pytest.param(THIRDS, Goal.MINIMIZE, [0.5], [[0.9]], None, id="the better of two"),
        pytest.param(
            # Of 3 values place floor(3/3) = 1, counted from 0, is the threshold: 0.8.
            THIRDS,
            Goal.MAXIMIZE,
            [0.5],
            [[0.9], [0.8]],
            StopReason(1, 0.5, 0.8),
            id="the worst of three",
        ),
        pytest.param(THIRDS, Goal.MAXIMIZE, [0.8], [[0.9], [0.5]], None, id="the second of three"),
        pytest.param(THIRDS, Goal.MAXIMIZE, [0.8], [[0.8], [0.8]], None, id="ties go on"),
        pytest.param(
            # Bracket 2: values 5, 3, 1 there; place floor(3/2) = 1 is 3.
            HALVING,
            Goal.MINIMIZE,
            [9.0, 5.0],
            [[7.0, 3.0], [6.0, 1.0]],
            StopReason(2, 5.0, 3.0),
            id="the latest bracket reached counts",
        ),
        pytest.param(
            # Bracket 1 would stop it (9 against 7 and 6), bracket 2 does not: 3 is the threshold.
            HALVING,
            Goal.MINIMIZE,
            [9.0, 2.0],
            [[7.0, 3.0], [6.0, 4.0]],
            None,
            id="a bracket passed is not looked at again",
        ),
        pytest.param(
            HALVING,
            Goal.MINIMIZE,
            [5.0, 5.0, 5.0],
            [[1.0, 3.0], [1.0, 2.0]],
            StopReason(2, 5.0, 3.0),
            id="points beyond the bracket arrived at once",
        ),
        pytest.param(
            HALVING,
            Goal.MINIMIZE,
            [5.0, 5.0, 0.5],
            [[1.0, 3.0], [1.0, 2.0]],
            None,
            id="the best value so far may lie beyond the bracket",
        ),
        pytest.param(
            HALVING,
            Goal.MINIMIZE,
            [5.0],
            [[1.0], [2.0], []],
            StopReason(1, 5.0, 2.0),
            id="no points",
        ),
        pytest.param(
            Hyperband(min_iter=4),
            Goal.MINIMIZE,
            [9.0, 9.0, 9.0],
            [[0.0] * 9] * 9,
            None,
            id="too early",
        ),
        pytest.param(
            HALVING, Goal.MINIMIZE, [1.0, 5.0], [[1.0, 3.0], [1.0, 2.0]], None, id="the best so far"
        ),
        pytest.param(
            Hyperband(min_iter=1, eta=2.0, strict=True),
            Goal.MINIMIZE,
            [1.0, 5.0],
            [[1.0, 3.0], [1.0, 2.0]],
            StopReason(2, 5.0, 3.0),
            id="strict: the value at the bracket",
        ),
        pytest.param(
            Hyperband(min_iter=1, eta=2.0, strict=True),
            Goal.MINIMIZE,
            [1.0, 5.0, 0.0],
            [[1.0, 3.0], [1.0, 2.0]],
            StopReason(2, 5.0, 3.0),
            id="strict: later values do not help",
        ),
        pytest.param(
            THIRDS,
            Goal.MAXIMIZE,
            [math.nan],
            [[0.1]],
            StopReason(1, -math.inf, 0.1),
            id="NaN is worst",
        ),
        pytest.param(HALVING, Goal.MINIMIZE, [math.nan], [[math.nan]], None, id="nothing but NaN"),
        pytest.param(
            HALVING, Goal.MINIMIZE, [7.0], [[math.nan], [math.inf]], None, id="rivals NaN"
        ),
        pytest.param(
            THIRDS,
            Goal.MINIMIZE,
            [-math.inf],
            [[9.0]],
            StopReason(1, math.inf, 9.0),
            id="-inf is worst",
        ),
    ],
)
def test_decisions_computed_by_hand(
    settings: Hyperband,
    goal: Goal,
    history: list[float],
    others: list[list[float]],
    reason: StopReason | None,
) -> None:
    assert should_stop(settings, goal, history, others) == reason


values = st.floats(allow_nan=True, allow_infinity=True)
histories = st.lists(values, max_size=12)
settings_of_all_kinds = st.builds(
    Hyperband,
    min_iter=st.integers(1, 4),
    eta=st.floats(1.1, 5.0),
    strict=st.booleans(),
)


@given(settings_of_all_kinds, histories, st.lists(histories, max_size=8))
def test_negating_everything_swaps_the_goals(
    settings: Hyperband, history: list[float], others: list[list[float]]
) -> None:
    smaller = should_stop(settings, Goal.MINIMIZE, history, others)
    larger = should_stop(
        settings, Goal.MAXIMIZE, [-v for v in history], [[-v for v in other] for other in others]
    )
    assert (smaller is None) == (larger is None)
    if smaller is not None and larger is not None:
        assert (larger.bracket, -larger.value, -larger.threshold) == (
            smaller.bracket,
            smaller.value,
            smaller.threshold,
        )


@given(settings_of_all_kinds, st.lists(histories, min_size=1, max_size=8))
def test_the_best_run_at_its_bracket_is_never_stopped(
    settings: Hyperband, runs: list[list[float]]
) -> None:
    for place, history in enumerate(runs):
        others = runs[:place] + runs[place + 1 :]
        reason = should_stop(settings, Goal.MINIMIZE, history, others)
        if reason is not None:
            rivals = [other[reason.bracket - 1] for other in others if len(other) >= reason.bracket]
            own = history[reason.bracket - 1]
            assert not math.isfinite(own) or any(rival < own for rival in rivals)
            assert reason.value > reason.threshold


@given(settings_of_all_kinds, st.lists(st.floats(-9, 9), min_size=2, max_size=40, unique=True))
def test_every_run_but_the_top_share_is_stopped(settings: Hyperband, at_start: list[float]) -> None:
    """Of n runs at the first bracket, floor(n / eta) + 1 go on."""
    runs = [[value] * settings.min_iter for value in at_start if settings.min_iter]
    stopped = sum(
        should_stop(settings, Goal.MINIMIZE, run, runs[:place] + runs[place + 1 :]) is not None
        for place, run in enumerate(runs)
    )
    assert len(runs) - stopped == int(len(runs) / settings.eta) + 1


@given(settings_of_all_kinds, histories)
def test_a_run_without_rivals_is_never_stopped(settings: Hyperband, history: list[float]) -> None:
    assert should_stop(settings, Goal.MINIMIZE, history, []) is None


@given(histories, st.lists(histories, max_size=8))
def test_strict_stops_all_that_is_stopped_without(
    history: list[float], others: list[list[float]]
) -> None:
    if should_stop(HALVING, Goal.MINIMIZE, history, others):
        assert should_stop(
            Hyperband(min_iter=1, eta=2.0, strict=True), Goal.MINIMIZE, history, others
        )


@pytest.mark.parametrize(("strict", "stopped"), [(False, {2}), (True, {2, 3})])
def test_strict_stops_those_whose_best_value_came_before_the_bracket(
    strict: bool, stopped: set[int]
) -> None:
    settings = Hyperband(min_iter=2, eta=2.0, strict=strict)
    histories = {
        1: [0.5, 0.9, 0.9],
        2: [0.1, 0.2, 0.3],
        3: [0.8, 0.3, 0.9],  # better before than at the bracket
        4: [0.7, 0.8, 0.8],
        5: [0.0, 0.0],  # at its end there
        6: [0.9, 0.9, 0.9],
        7: [0.9, 0.9, 0.9],
    }
    assert stopped_in_hindsight(settings, Goal.MAXIMIZE, histories) == stopped


def test_in_hindsight_nobody_is_stopped_at_a_bracket_that_all_runs_end_at() -> None:
    histories = {1: [0.5, 0.9], 2: [0.1, 0.1], 3: [math.nan, math.nan]}
    assert stopped_in_hindsight(Hyperband(min_iter=2, eta=2.0), Goal.MAXIMIZE, histories) == set()
