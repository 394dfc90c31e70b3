"""A run from its data to its logged end: how it ended is what is logged."""

from pathlib import Path

import pytest

from src.config.run_config import RunConfig
from src.tracking.metrics import EpochMetrics
from src.tracking.outcome import Outcome
from src.tracking.tracker import Tracker
from src.train import train_run
from src.training.stopping import StopRequest

CONFIG = RunConfig.parse({"dataset": "synthetic", "no_wandb": True, "epochs": 1, "hidden_size": 4})


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[Outcome]:
    """How the runs of a test ended, as their trackers were told."""
    outcomes: list[Outcome] = []
    finish = Tracker.finish

    def note(self: Tracker, outcome: Outcome, best: EpochMetrics | None) -> None:
        outcomes.append(outcome)
        finish(self, outcome, best)

    monkeypatch.setattr(Tracker, "finish", note)
    return outcomes


def test_ctrl_c_after_the_last_step_leaves_a_complete_run(
    tmp_path: Path, logged: list[Outcome]
) -> None:
    stop = StopRequest()
    stop.interrupted = True  # as after a Ctrl-C that came when nobody asked any more
    run = train_run(CONFIG, stop, tmp_path)
    assert logged == [Outcome.COMPLETED]
    assert run.resume_command is None


def test_ctrl_c_before_that_leaves_an_interrupted_one(
    tmp_path: Path, logged: list[Outcome]
) -> None:
    stop = StopRequest()
    stop.request(interrupted=True)
    run = train_run(CONFIG, stop, tmp_path)
    assert logged == [Outcome.INTERRUPTED]
    assert run.resume_command is not None
