"""How many epochs a run trains that Hyperband has already spoken against.

A sweep with warm agents, as `run_sweep.py` starts them, on an embedded server of its own. Its first
run is good; all others learn nothing, and only the best may go on at the first bracket. So each of
them is judged by its first epoch, and every further one that it logs came after the verdict.

    python benchmarks/stop_latency.py --runs 20 --agents 2
"""

import argparse
import contextlib
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from run_sweep import EMBEDDED_POLL_SECONDS
from src.sweeps.definition import SweepDefinition
from src.sweeps.fleet import Fleet
from src.sweeps.server_choice import ServerChoice
from src.sweeps.servers import open_server
from src.sweeps.sweep import Sweep

EPOCHS = 12


def definition(runs: int, hidden_size: int) -> SweepDefinition:
    """A good run, and so many of which none learns anything."""
    return SweepDefinition(
        {
            "program": "src/train.py",
            "method": "grid",
            "metric": {"name": "val_accuracy", "goal": "maximize"},
            "early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 1000},
            "parameters": {
                "dataset": {"value": "synthetic"},
                "epochs": {"value": EPOCHS},
                "batch_size": {"value": 8},
                "hidden_size": {"value": [hidden_size, hidden_size]},
                "learning_rate": {"values": [1e-3, *(1e-12 * (1 + i) for i in range(runs))]},
            },
        }
    )


def logged(database: Path) -> tuple[list[int], list[float]]:
    """Epochs of each run that was stopped early, and the seconds between epochs of all runs."""
    points, seconds = [], []
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as db:
        runs = db.execute("SELECT id, early_stop IS NOT NULL FROM runs ORDER BY id").fetchall()
        for run, stopped in runs:
            rows: list[dict[str, Any]] = [
                json.loads(text)
                for (text,) in db.execute(
                    "SELECT text FROM lines WHERE run_id = ? AND stream = 'history'"
                    " ORDER BY position",
                    (run,),
                )
            ]
            times = [row["_timestamp"] for row in rows if "val_accuracy" in row]
            seconds += [b - a for a, b in pairwise(times)]
            if stopped:
                points.append(len(times))
    return points, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Count epochs trained after Hyperband's verdict.")
    parser.add_argument("--runs", type=int, default=20, help="runs that are stopped")
    parser.add_argument("--agents", type=int, default=2, help="warm agents")
    parser.add_argument("--hidden_size", type=int, default=512, help="makes epochs longer")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_server(ServerChoice.LOCAL, folder / "data") as server:
            sweep = Sweep.create(definition(given.runs, given.hidden_size))
            fleet = Fleet(
                *(sweep.path, given.agents, EMBEDDED_POLL_SECONDS, folder / "models", folder),
                tell_epochs=True,
            )
            try:
                while fleet.alive:
                    server.tend()
                    time.sleep(1)
            finally:
                fleet.stop()
            points, seconds = logged(folder / "data" / "server.db")
    late = [count - 1 for count in points]
    print(
        f"{len(late)} runs stopped at bracket 1; an epoch took {statistics.median(seconds):.2f} s"
    )
    print("epochs after the verdict:", ", ".join(f"{n}: {late.count(n)} runs" for n in set(late)))
    print(f"mean {statistics.mean(late):.2f}, most {max(late)}")


if __name__ == "__main__":
    main()
