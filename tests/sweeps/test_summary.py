"""What a sweep leaves behind: the table of its best configurations."""

import pandas as pd

from src.sweeps.definition import SweepDefinition
from src.sweeps.summary import leaderboard
from src.sweeps.sweep import Sweep

ROWS = [
    {"id": "a1", "value": 0.5, "optimizer": "sgd", "momentum": 0.5, "lr_schedule": "step"},
    {"id": "b2", "value": 0.75, "optimizer": "nag", "momentum": 0.25, "lr_schedule": None},
]


def test_the_leaderboard_shows_what_was_swept_best_first_and_only_what_was_read() -> None:
    parameters = {
        "optimizer": {"values": ["sgd", "nag"]},
        "momentum": {"values": [0.25, 0.5]},
        "filters": {"values": [[32], [32, 64]]},
        "lr_step_epochs": {"min": 1, "max": 9},
        "epochs": {"value": 3},
    }
    metric = {"name": "val_accuracy", "goal": "maximize"}
    definition = SweepDefinition({"metric": metric, "parameters": parameters})

    ends = {"state": "finished", "stopped_early": False}
    sizes = {"filters": [32, 64], "lr_step_epochs": 4}
    runs = pd.DataFrame([row | ends | sizes for row in ROWS])

    ranked = Sweep(None, "e/p/s", definition).ranked(runs)
    header, *lines = leaderboard(definition, ranked).splitlines()

    assert header.split()[3:] == ["optimizer", "momentum", "filters", "lr_step_epochs"]
    assert [line.split() for line in lines] == [
        ["0.7500", "b2", "finished", "nag", "0.25", "[32,", "64]", "-"],
        ["0.5000", "a1", "finished", "sgd", "-", "[32,", "64]", "4"],
    ]
