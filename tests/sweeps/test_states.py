"""States of runs and sweeps are read as servers write them, and unknown ones harm nothing."""

import pytest

from src.sweeps.states import ACTIVE, DONE, RunState, SweepState


def test_a_state_that_nobody_knows_is_neither_active_nor_done() -> None:
    assert RunState("dreaming") is RunState.UNKNOWN
    assert RunState.UNKNOWN not in ACTIVE + DONE


def test_a_run_that_is_about_to_lose_its_machine_still_goes_on() -> None:
    assert RunState("preempting") in ACTIVE


@pytest.mark.parametrize("word", ["FINISHED", "CANCELED", "CANCELLED"])
def test_a_sweep_that_has_ended_is_over(word: str) -> None:
    assert SweepState(word).over


@pytest.mark.parametrize("word", ["PENDING", "RUNNING", "PAUSED", "DREAMING"])
def test_any_other_sweep_is_not_over(word: str) -> None:
    assert not SweepState(word).over
