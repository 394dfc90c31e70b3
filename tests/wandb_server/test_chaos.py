"""Server and agents are killed again and again at random moments; nobody gives them a hand."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.processes import signal_tree
from tests.wandb_server.server_harness import Client, ServerProcess, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.alone]

KILLS = 10
POINTS = 12

_TRAIN = """
import time, wandb
def train():
    with wandb.init() as run:
        for epoch in range({points}):
            run.log({{"acc": run.config["x"] * epoch, "epoch": epoch}})
            time.sleep({seconds})
        run.summary["done"] = run.config["x"]
"""
_IN_PROCESS = "import sys; wandb.agent(sys.argv[1], function=train)\n"


def _agents(client: Client, runs: int, seconds: float) -> list[subprocess.Popen[str]]:
    """Four agents of a new sweep: two start a process for each run, two are one process."""
    train = _TRAIN.format(points=POINTS, seconds=seconds)
    config = {
        "program": "train.py",
        "method": "random",
        "metric": {"name": "acc", "goal": "maximize"},
        "run_cap": runs,
        "parameters": {"x": {"min": 0.5, "max": 1.5}},
    }
    (client.folder / "train.py").write_text(train + "train()\n")
    sweep = client.create_sweep(config)
    in_process = [sys.executable, "-c", train + _IN_PROCESS, sweep]
    commands = [["wandb", "agent", sweep]] * 2 + [in_process] * 2
    return [client.start(*command) for command in commands]


def _check_finished(server: ServerProcess, run: dict[str, Any]) -> None:
    """All points exactly once and in order, and the whole summary."""
    x = json.loads(run["params"])["x"]
    rows = server.rows(
        "SELECT position, text FROM lines WHERE run_id = ? AND stream = 'history'"
        " ORDER BY position",
        run["id"],
    )
    points = [(row["position"], json.loads(row["text"])["acc"]) for row in rows]
    assert points == [(epoch, x * epoch) for epoch in range(POINTS)], run["name"]
    values = server.rows("SELECT value FROM metric_values WHERE run_id = ?", run["id"])
    assert [row["value"] for row in values] == [x * epoch for epoch in range(POINTS)]
    summary = json.loads(run["summary"])
    assert (summary["acc"], summary["epoch"]) == (x * (POINTS - 1), POINTS - 1)
    assert summary["done"] == x, run["name"]
    assert json.loads(run["config"])["x"]["value"] == x


def test_a_server_killed_ten_times_loses_and_doubles_nothing(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    moments = random.Random(7)
    server = start_server()
    client = Client(server, tmp_path / "client")
    runs = 24
    agents = _agents(client, runs, seconds=0.2)
    wait_for(lambda: server.rows("SELECT 1 FROM lines WHERE stream = 'history'"), "points arrive")
    for _ in range(KILLS):
        time.sleep(moments.uniform(0.5, 3))
        assert server.rows("SELECT state FROM sweeps") == [{"state": "RUNNING"}]
        assert server.end(signal.SIGKILL) == -signal.SIGKILL
        server.start()
    for agent in agents:
        output, _ = agent.communicate(timeout=240)
        assert agent.returncode == 0, output
    found = server.rows("SELECT * FROM runs ORDER BY id")
    finished = [run for run in found if run["state"] == "finished"]
    for run in finished:
        _check_finished(server, run)
    assert len(finished) == runs
    # What is not finished was tried again under another name, by the documented rule.
    for run in found:
        if run["state"] != "finished":
            assert run["state"] == "crashed"
            assert run["id"] in {other["retry_of"] for other in found}
    assert len({run["params"] for run in finished}) == runs, "no configuration was run twice"
    assert {run["params"] for run in found} == {run["params"] for run in finished}
    assert server.rows("SELECT state FROM sweeps") == [{"state": "FINISHED"}]
    assert server.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    client.end()


def test_agents_killed_with_their_runs_are_made_up_for_by_the_others(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    moments = random.Random(3)
    server = start_server("--crash_after", "4")
    client = Client(server, tmp_path / "client")
    runs = 6
    agents = _agents(client, runs, seconds=0.7)
    for victim, alive in ((0, 4), (2, 3), (3, 2)):
        wait_for(
            lambda n=alive: len(server.rows("SELECT 1 FROM runs WHERE state = 'running'")) == n,  # type: ignore[misc]
            "all agents that are left have a run",
        )
        time.sleep(moments.uniform(0, 1))
        signal_tree(agents[victim].pid, signal.SIGKILL)
    output, _ = agents[1].communicate(timeout=240)
    assert agents[1].returncode == 0, output
    found = server.rows("SELECT * FROM runs ORDER BY id")
    finished = [run for run in found if run["state"] == "finished"]
    for run in finished:
        _check_finished(server, run)
    crashed = [run for run in found if run["state"] == "crashed"]
    assert crashed
    assert len(found) == len(finished) + len(crashed)
    assert len(finished) == len({run["params"] for run in finished}) == runs
    retries = [run["retry_of"] for run in found if run["retry_of"] is not None]
    assert sorted(retries) == [run["id"] for run in crashed], "each was tried again, once"
    assert server.rows("SELECT state FROM sweeps") == [{"state": "FINISHED"}]
    client.end()
