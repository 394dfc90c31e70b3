"""Learning-rate schedules: their ends, their shape, the warm-up, runs of a single step."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from src.config.run_config import RunConfig
from src.optimizers.schedules import SCHEDULES, ScheduleEntry, learning_rates

STEPS = 10


def whole_run(**values: object) -> NDArray[np.float32]:
    config = RunConfig.parse({"learning_rate": 0.4, "epochs": 6, **values})
    return np.concatenate([learning_rates(config, e, STEPS) for e in range(1, config.epochs + 1)])


def test_constant_never_changes() -> None:
    assert (whole_run() == np.float32(0.4)).all()


def test_cosine_falls_from_the_learning_rate_to_almost_zero() -> None:
    rates = whole_run(lr_schedule="cosine")
    assert rates[0] == np.float32(0.4)
    assert rates[30] == pytest.approx(0.2)  # half way
    assert 0 < rates[-1] < 0.001
    assert (np.diff(rates) < 0).all()


def test_step_multiplies_by_the_factor_after_so_many_epochs() -> None:
    rates = whole_run(lr_schedule="step", lr_step_epochs=2, lr_step_factor=0.5)
    expected = np.repeat([0.4, 0.2, 0.1], 2 * STEPS)
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step"])
def test_warm_up_rises_in_equal_steps_and_then_the_schedule_holds(schedule: str) -> None:
    rates = whole_run(lr_schedule=schedule, warmup_epochs=1.5)
    np.testing.assert_allclose(np.diff(rates[:15]), 0.4 / 15, rtol=1e-4)
    assert rates[14] == pytest.approx(0.4)
    assert rates.max() == pytest.approx(0.4)
    if schedule == "cosine":
        assert rates[15] == pytest.approx(0.4)  # it begins to fall after the warm-up
        assert rates[-1] < 0.001


@pytest.mark.parametrize(("warmup", "peak"), [(0.0, 18), (2.0, 20)])
def test_one_cycle_rises_from_a_25th_and_falls_to_a_250000th(warmup: float, peak: int) -> None:
    rates = whole_run(lr_schedule="one_cycle", warmup_epochs=warmup)
    assert rates[0] == pytest.approx(0.4 / 25)
    assert rates[peak] == pytest.approx(0.4, rel=0.01)
    assert rates[-1] == pytest.approx(0.4 / 250_000, rel=1e-3)
    assert (np.diff(rates[: peak + 1]) > 0).all()
    assert (np.diff(rates[peak + 1 :]) < 0).all()


def test_a_short_run_still_has_a_schedule() -> None:
    for schedule in ("cosine", "one_cycle", "step"):
        config = RunConfig.parse({"lr_schedule": schedule, "epochs": 1, "learning_rate": 0.1})
        rates = learning_rates(config, 1, 1)
        assert rates.shape == (1,)
        assert 0 < rates[0] <= np.float32(0.1)


class Recorder:
    """A run that remembers which of its hyperparameters were read."""

    def __init__(self) -> None:
        self._run, self.read = RunConfig(epochs=6, warmup_epochs=1.0), set[str]()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self._run, name)


@pytest.mark.parametrize("name", SCHEDULES)
def test_an_entry_says_what_its_schedule_reads(name: str) -> None:
    run = Recorder()
    SCHEDULES[name].factor(run, np.arange(60), STEPS)
    assert run.read - {"epochs", "warmup_epochs"} == set(SCHEDULES[name].reads)


def test_a_schedule_from_outside_is_used_and_warmed_up() -> None:
    def halves(run: Any, t: NDArray[Any], steps: int) -> NDArray[Any]:
        return np.full(len(t), 0.5)

    with SCHEDULES.with_entry(ScheduleEntry("halves", halves)):
        run = SimpleNamespace(lr_schedule="halves", learning_rate=0.4, epochs=2, warmup_epochs=1)
        first, second = (learning_rates(run, epoch, 4) for epoch in (1, 2))
    np.testing.assert_allclose(first, [0.05, 0.1, 0.15, 0.2], rtol=1e-6)
    np.testing.assert_allclose(second, 0.2, rtol=1e-6)
