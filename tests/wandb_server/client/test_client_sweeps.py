"""Real ``wandb sweep`` and ``wandb agent`` processes, with real kills."""

import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.wandb_server.server_harness import Client, ServerProcess, wait_for

pytestmark = pytest.mark.slow

_TRAIN = """
import os, signal, sys, time
import wandb
stopped = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
with wandb.init() as run:
    for epoch in range(run.config["epochs"]):
        run.log({"acc": run.config["lr"] * (epoch + 1), "epoch": epoch})
        deadline = time.monotonic() + run.config["seconds"]
        while not stopped and time.monotonic() < deadline:
            time.sleep(0.05)
        if stopped:
            run.log({"stopped": True})
            break
"""


def _sweep(client: Client, **changes: Any) -> str:
    config = {
        "program": "train.py",
        "method": "random",
        "metric": {"name": "acc", "goal": "maximize"},
        "run_cap": 4,
        "parameters": {
            "lr": {"min": 0.001, "max": 1.0},
            "epochs": {"value": 3},
            "seconds": {"value": 0.2},
        },
    } | changes
    (client.folder / "train.py").write_text(_TRAIN)
    return client.create_sweep(config)


def _params(epochs: int, seconds: float) -> dict[str, Any]:
    return {
        "lr": {"min": 0.001, "max": 1.0},
        "epochs": {"value": epochs},
        "seconds": {"value": seconds},
    }


def _runs(server: ServerProcess) -> list[dict[str, Any]]:
    return server.rows("SELECT * FROM runs ORDER BY id")


def _history(server: ServerProcess, run: dict[str, Any]) -> list[dict[str, Any]]:
    rows = server.rows(
        "SELECT text FROM lines WHERE run_id = ? AND stream = 'history' ORDER BY position",
        run["id"],
    )
    return [json.loads(row["text"]) for row in rows]


def _kill_tree(pid: int) -> None:
    """SIGKILL a process and its descendants, but wandb's own service processes."""
    process = psutil.Process(pid)
    for victim in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            if "wandb-" not in Path(victim.exe()).name:
                victim.send_signal(signal.SIGKILL)


@pytest.fixture
def server(start_server: Callable[..., ServerProcess]) -> Iterator[ServerProcess]:
    return start_server("--crash_after", "5")  # type: ignore[return-value]


def test_two_agents_share_a_sweep_without_repeats_and_leave_when_it_is_done(
    server: ServerProcess, client: Client
) -> None:
    sweep = _sweep(client, method="bayes", run_cap=5)
    agents = [client.start("wandb", "agent", sweep) for _ in range(2)]
    outputs = [agent.communicate(timeout=240)[0] for agent in agents]
    assert [agent.returncode for agent in agents] == [0, 0], outputs
    runs = _runs(server)
    assert [run["state"] for run in runs] == ["finished"] * 5
    assert len({run["params"] for run in runs}) == 5
    assert len({run["agent_id"] for run in runs}) == 2
    for run in runs:
        lr = json.loads(run["params"])["lr"]
        assert [row["acc"] for row in _history(server, run)] == [lr * 1, lr * 2, lr * 3]
        assert json.loads(run["config"])["lr"]["value"] == lr
    assert server.rows("SELECT state FROM sweeps") == [{"state": "FINISHED"}]
    client.python(
        f"""
import wandb
sweep = wandb.Api().sweep("{sweep}")
assert sweep.state == "FINISHED" and len(sweep.runs) == 5 and sweep.expected_run_count == 5
best = max(r.summary["acc"] for r in sweep.runs)
assert sweep.best_run().summary["acc"] == best
assert abs(sweep._attrs["bestLoss"] - best) < 1e-12
"""
    )


def test_hyperband_stops_a_run_through_its_agent_and_says_why(
    server: ServerProcess, client: Client
) -> None:
    sweep = _sweep(
        client,
        method="grid",
        run_cap=3,
        early_terminate={"type": "hyperband", "min_iter": 1, "eta": 2},
        parameters={
            "lr": {"values": [1.0, 0.9, 0.1]},
            "epochs": {"value": 48},
            "seconds": {"value": 0.5},
        },
    )
    agents = [client.start("wandb", "agent", sweep) for _ in range(3)]
    for agent in agents:
        agent.communicate(timeout=240)
    stopped = [run for run in _runs(server) if run["early_stop"]]
    assert [json.loads(run["params"])["lr"] for run in stopped] == [0.1]
    assert [run["state"] for run in _runs(server)] == ["finished"] * 3
    reason = json.loads(stopped[0]["early_stop"])
    assert reason["value"] < reason["threshold"]
    history = _history(server, stopped[0])
    assert history[-1]["stopped"] is True, "the agent's SIGTERM reached it"
    assert len(history) < 49
    output = client.python(
        f"import wandb; print(wandb.Api().run('local/gradsweep/{stopped[0]['name']}').summary)"
    )
    assert "early_termination" in output


def test_a_killed_agents_run_is_crashed_and_its_configuration_tried_again_once(
    server: ServerProcess, client: Client
) -> None:
    sweep = _sweep(client, run_cap=1, parameters=_params(epochs=400, seconds=0.5))
    for attempt in (1, 2):
        agent = client.start("wandb", "agent", sweep)
        wait_for(
            lambda n=attempt: (
                len(_runs(server)) == n and len(_history(server, _runs(server)[-1])) > 1
            ),  # type: ignore[misc]
            "the run logs",
        )
        _kill_tree(agent.pid)
        wait_for(lambda: _runs(server)[-1]["state"] == "crashed", "the run is marked crashed")
    first, second = _runs(server)
    assert second["retry_of"] == first["id"]
    assert second["params"] == first["params"]
    client.run("wandb", "agent", sweep)  # it has nothing left to do
    assert len(_runs(server)) == 2
    assert server.rows("SELECT state FROM sweeps") == [{"state": "FINISHED"}]


def test_a_killed_training_process_is_noticed_while_its_agent_lives(
    server: ServerProcess, client: Client
) -> None:
    sweep = _sweep(client, run_cap=1, parameters=_params(epochs=30, seconds=0.5))
    agent = client.start("wandb", "agent", sweep)
    wait_for(lambda: _runs(server) and len(_history(server, _runs(server)[0])) > 1, "it logs")
    (child,) = [
        p for p in psutil.Process(agent.pid).children(recursive=True) if "train.py" in p.cmdline()
    ]
    child.kill()
    output, _ = agent.communicate(timeout=240)
    assert agent.returncode == 0, output
    assert [run["state"] for run in _runs(server)] == ["crashed", "finished"]


def test_a_killed_in_process_agents_run_is_crashed(server: ServerProcess, client: Client) -> None:
    sweep = _sweep(client, run_cap=1)
    code = """
import sys, time, wandb
def train():
    with wandb.init() as run:
        for i in range(1000):
            run.log({"acc": i}); time.sleep(0.5)
wandb.agent(sys.argv[1], function=train)
"""
    agent = client.start(sys.executable, "-c", code, sweep)
    wait_for(lambda: _runs(server) and len(_history(server, _runs(server)[0])) > 1, "it logs")
    agent.kill()
    wait_for(lambda: _runs(server)[0]["state"] == "crashed", "the run is marked crashed")


def test_in_process_agents_finish_a_grid_and_stop_when_it_is_exhausted(
    server: ServerProcess, client: Client
) -> None:
    sweep = _sweep(
        client, method="grid", run_cap=10, parameters={"lr": {"values": [0.1, 0.2, 0.3]}}
    )
    code = """
import sys, wandb
def train():
    with wandb.init() as run:
        run.log({"acc": run.config["lr"]})
wandb.agent(sys.argv[1], function=train)
"""
    client.python(code, sweep)
    params = [json.loads(run["params"])["lr"] for run in _runs(server)]
    assert sorted(params) == [0.1, 0.2, 0.3]
    assert server.rows("SELECT state FROM sweeps") == [{"state": "FINISHED"}]


def test_nothing_is_lost_or_doubled_when_the_server_is_killed_during_a_sweep(
    server: ServerProcess, client: Client
) -> None:
    sweep = _sweep(client, run_cap=3, parameters=_params(epochs=30, seconds=0.3))
    agents = [client.start("wandb", "agent", sweep) for _ in range(2)]
    for _ in range(3):
        seen = len(server.rows("SELECT 1 FROM lines WHERE stream = 'history'"))
        wait_for(
            lambda n=seen: len(server.rows("SELECT 1 FROM lines WHERE stream = 'history'")) > n + 5,  # type: ignore[misc]
            "points arrive",
        )
        assert server.end(signal.SIGKILL) == -signal.SIGKILL
        time.sleep(1)
        server.start()
    for agent in agents:
        output, _ = agent.communicate(timeout=240)
        assert agent.returncode == 0, output
    runs = _runs(server)
    assert [run["state"] for run in runs] == ["finished"] * 3
    for run in runs:
        lr = json.loads(run["params"])["lr"]
        assert [row["acc"] for row in _history(server, run)] == [lr * (i + 1) for i in range(30)]


def test_a_sweep_is_paused_resumed_and_cancelled(server: ServerProcess, client: Client) -> None:
    sweep = _sweep(client, run_cap=50, parameters=_params(epochs=400, seconds=0.5))
    early = client.start("wandb", "sweep", "--pause", sweep)
    assert "Cannot pause pending sweep" in early.communicate(timeout=120)[0]
    server.graphql(
        'mutation($s: String!) { createAgent(input: {projectName: "gradsweep", sweep: $s,'
        ' host: "none"}) { agent { id } } }',
        s=sweep.rpartition("/")[2],
    )
    client.run("wandb", "sweep", "--pause", sweep)
    agent = client.start("wandb", "agent", sweep)
    wait_for(
        lambda: any(
            row["heartbeat_at"] > row["created_at"] for row in server.rows("SELECT * FROM agents")
        ),
        "a second heartbeat",
    )
    assert _runs(server) == []
    client.run("wandb", "sweep", "--resume", sweep)
    wait_for(lambda: _runs(server) and len(_history(server, _runs(server)[0])) > 1, "it logs")
    client.run("wandb", "sweep", "--cancel", sweep)
    output, _ = agent.communicate(timeout=240)
    assert agent.returncode == 0, output
    assert [run["state"] for run in _runs(server)] == ["killed"]
    assert server.rows("SELECT state FROM sweeps") == [{"state": "CANCELED"}]


def test_an_impossible_sweep_is_refused_with_the_reason(client: Client) -> None:
    config = {"program": "t.py", "method": "nonsense", "parameters": {"x": {"values": [1]}}}
    (client.folder / "sweep.yaml").write_text(yaml.safe_dump(config))
    process = client.start("wandb", "sweep", "sweep.yaml")
    output, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "method" in output
    assert "nonsense" in output
