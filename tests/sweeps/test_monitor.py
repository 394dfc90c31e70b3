"""The live line counts runs by how they stand."""

import pandas as pd

from src.sweeps.monitor import describe, done

RUNS = pd.DataFrame(
    [
        ("finished", False, 0.8),
        ("finished", True, 0.3),
        ("running", False, 0.9),
        ("pending", False, None),
        ("failed", False, None),
        ("crashed", False, 0.5),
        ("killed", False, None),
    ],
    columns=["state", "stopped_early", "value"],
)


def test_crashed_and_interrupted_runs_are_not_done() -> None:
    assert done(RUNS) == 3


def test_the_line_says_how_the_runs_stand() -> None:
    line = describe(RUNS, "val_accuracy", maximize=True)
    assert line == "2 running, 1 stopped early, 2 failed, best val_accuracy 0.9000"
    assert describe(RUNS, "val_loss", maximize=False).endswith("best val_loss 0.3000")


def test_nothing_logged_yet_has_no_best() -> None:
    assert describe(RUNS.iloc[3:4], "loss", maximize=False) == ("1 running")
