"""Small sweeps that are interrupted: Ctrl-C, real kills, a server or a sweep that goes away."""

import json
import re
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.checkout import Checkout, api, copy_checkout, wait_for
from tests.processes import signal_tree, working_in
from tests.small_sweeps import (
    ENDLESS_SWEEP,
    LONG_SWEEP,
    SHORT_SWEEP,
    begun_runs,
    create_sweep,
    logged_epochs,
    runs_of,
    varied,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return copy_checkout(tmp_path)


def test_a_killed_agents_run_is_crashed_and_tried_again_once(checkout: Checkout) -> None:
    with checkout.server("--crash_after", "4") as environment:
        text = LONG_SWEEP.replace("run_cap: 4", "run_cap: 1").replace("400", "60")
        sweep_path = create_sweep(checkout, environment, text)
        agent = checkout.start("wandb", "agent", sweep_path, **environment)
        wait_for(lambda: any(r.state == "running" for r in runs_of(environment, sweep_path)))
        signal_tree(agent.pid, signal.SIGKILL)
        agent.communicate()
        wait_for(lambda: runs_of(environment, sweep_path)[0].state == "crashed")

        second = checkout.start("wandb", "agent", sweep_path, **environment)
        output, _ = second.communicate(timeout=200)
        runs = runs_of(environment, sweep_path)
        assert [run.state for run in runs] == ["crashed", "finished"], output
        assert varied(runs[0]) == varied(runs[1])


def test_ctrl_c_keeps_finished_runs_and_resume_goes_on(checkout: Checkout) -> None:
    config = checkout.write_sweep(SHORT_SWEEP.replace("epochs: {value: 3}", "epochs: {value: 60}"))
    command = [sys.executable, "run_sweep.py", "--config", config, "--count", "4"]
    process = checkout.start(*command)
    wait_for(lambda: len(begun_runs(checkout)) >= 2, 120)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    found = re.search(r"python run_sweep.py --resume (\w+)", output)
    assert found, output
    assert working_in(checkout.root) == [], "Ctrl-C must leave no process behind"

    code, output = checkout.run(sys.executable, "run_sweep.py", "--resume", found[1])
    assert code == 0, output
    with checkout.server() as environment:
        runs = runs_of(environment, f"local/gradsweep/{found[1]}")
    finished = [run for run in runs if run.state == "finished"]
    assert len(finished) == 4
    assert {run.state for run in runs} <= {"finished", "killed"}
    assert len({varied(run) for run in finished}) == 4


def test_a_sweep_that_is_deleted_while_it_runs_is_one_line(checkout: Checkout) -> None:
    config = checkout.write_sweep(ENDLESS_SWEEP)
    process = checkout.start(sys.executable, "run_sweep.py", "--config", config, "--count", "4")
    wait_for(lambda: len(begun_runs(checkout)) >= 2, 120)
    database = checkout.root / ".gradsweep" / "server" / "server.db"
    # As W&B's own pages do it; the embedded server has no button for that.
    with closing(sqlite3.connect(database, timeout=30)) as rows:
        rows.execute("UPDATE sweeps SET name = name || '-deleted'")
        rows.commit()
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 2, output
    assert "Traceback" not in output
    [line] = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "is not at its W&B server any more; it or its project has been deleted there" in line
    assert working_in(checkout.root) == []
    with checkout.server() as environment:
        runs = api(environment).runs("local/gradsweep", lazy=False)
        assert {run.state for run in runs} == {"killed"}, "the agents have ended them in order"


def test_a_killed_warm_agent_is_replaced_and_its_run_tried_again(checkout: Checkout) -> None:
    text = SHORT_SWEEP.replace(
        "epochs: {value: 3}", "epochs: {value: 200}\n  batch_size: {value: 2}"
    )
    config = checkout.write_sweep(text)
    command = [sys.executable, "run_sweep.py", "--config", config, "--count", "3", "--agents", "1"]
    process = checkout.start(*command)
    wait_for(lambda: begun_runs(checkout), 120)
    (agent,) = [
        child
        for child in psutil.Process(process.pid).children()
        if "src.sweeps.agent" in child.cmdline()
    ]
    agent.kill()
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    assert "died (killed by SIGKILL) and was replaced" in output
    sweep_id = re.findall(r"/sweeps/(\w+)", output)[-1]
    with checkout.server() as environment:
        runs = runs_of(environment, f"local/gradsweep/{sweep_id}")
    states = sorted(run.state for run in runs)
    assert states == ["crashed", "finished", "finished", "finished"]
    (crashed,) = [run for run in runs if run.state == "crashed"]
    assert varied(crashed) in [varied(run) for run in runs if run is not crashed]


def test_an_embedded_server_that_dies_is_started_again(checkout: Checkout) -> None:
    """At the same address, so that neither the agents nor the person need to do anything."""
    text = SHORT_SWEEP.replace(
        "epochs: {value: 3}", "epochs: {value: 40}\n  batch_size: {value: 8}"
    )
    config = checkout.write_sweep(text)
    process = checkout.start(sys.executable, "run_sweep.py", "--config", config, "--count", "4")
    wait_for(lambda: begun_runs(checkout), 120)
    record = json.loads((checkout.root / ".gradsweep/server/server.json").read_text())
    psutil.Process(record["pid"]).kill()
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    assert "the embedded server died (exit code -9) and was started again" in output
    sweep_id = re.findall(r"/sweeps/(\w+)", output)[-1]
    with checkout.server() as environment:
        runs = runs_of(environment, f"local/gradsweep/{sweep_id}")
        assert [run.state for run in runs] == ["finished"] * 4
        for run in runs:
            assert logged_epochs(run) == list(range(1, 41))


def test_nothing_outlives_a_killed_run_sweep(checkout: Checkout) -> None:
    config = checkout.write_sweep(ENDLESS_SWEEP)
    process = checkout.start(sys.executable, "run_sweep.py", "--config", config)
    wait_for(lambda: begun_runs(checkout), 120)
    process.kill()
    process.communicate()
    wait_for(lambda: not working_in(checkout.root), 30)


def test_training_goes_on_when_the_server_goes_away(checkout: Checkout) -> None:
    command = [sys.executable, "-m", "src.train", "--dataset", "synthetic", "--epochs", "300"]
    with checkout.server() as environment:
        process = checkout.start(*command, WANDB_FINISH_TIMEOUT="5", **environment)
        wait_for(lambda: list((checkout.root / "models").glob("best_model_*.json")), 120)
        server = json.loads((checkout.root / ".gradsweep/server/server.json").read_text())["pid"]
        psutil.Process(server).kill()
        output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    assert "epoch 300/300" in output
    assert "Traceback" not in output
    assert "Model" in output
