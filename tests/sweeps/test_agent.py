"""A warm agent ends the run that is going on, whenever the signal comes."""

import signal
from pathlib import Path

import pytest

from src.sweeps.agent import WarmAgent
from src.tracking.wandb_private import InProcessAgent


def test_a_signal_between_two_runs_ends_the_one_that_has_just_been_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It would ask a server for the sweep.
    monkeypatch.setattr(InProcessAgent, "__init__", lambda *_, **__: None)
    agent = WarmAgent("entity/project/sweep", tmp_path, 1.0, tells_epochs=False)
    with pytest.raises(KeyboardInterrupt):
        agent.interrupt(signal.SIGTERM, None)
    agent.prepare({})
    assert agent._stop()
    assert agent._stop.interrupted
