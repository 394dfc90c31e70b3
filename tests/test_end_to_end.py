"""The main job in small: real wandb CLI, real agents, real kills, on the embedded server."""

import json
import re
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.checkout import Checkout, api, copy_checkout, kill_tree, outputs_of, wait_for
from tests.wandb_server.server_harness import logged_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# Learning rates a hundredfold apart: one half of the runs is hopeless, so Hyperband must stop some.
# A batch of one example makes epochs long enough for the stop to arrive in time.
LONG_SWEEP = """\
program: src/train.py
method: random
seed: 1
run_cap: 4
metric: {name: val_accuracy, goal: maximize}
early_terminate: {type: hyperband, min_iter: 20, eta: 2}
parameters:
  dataset: {value: synthetic}
  batch_size: {value: 1}
  epochs: {value: 400}
  optimizer: {values: [sgd, momentum]}
  hidden_size: {values: [8, 16, 32]}
  learning_rate: {values: [0.00001, 0.01]}
"""
SHORT_SWEEP = """\
method: bayes
metric: {name: val_accuracy, goal: maximize}
parameters:
  dataset: {value: synthetic}
  epochs: {value: 3}
  optimizer: {values: [sgd, momentum, adam]}
  hidden_size: {values: [8, 16]}
  learning_rate: {values: [0.001, 0.01]}
"""

LIST_SWEEP = """\
program: src/train.py
method: grid
metric: {name: val_accuracy, goal: maximize}
parameters:
  dataset: {value: synthetic}
  epochs: {value: 1}
  hidden_size: {values: [16, [16], [16, 8]]}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return copy_checkout(tmp_path)


def create_sweep(checkout: Checkout, environment: dict[str, str], text: str) -> str:
    """`wandb sweep FILE`; returns entity/project/id as it prints it for `wandb agent`."""
    code, output = checkout.run("wandb", "sweep", checkout.write_sweep(text), **environment)
    assert code == 0, output
    found = re.search(r"wandb agent (\S+)", output)
    assert found, output
    return found[1]


def runs_of(environment: dict[str, str], sweep_path: str) -> list[Any]:
    """The runs in order of creation, read whole: they may be looked at when the server is gone."""
    project, sweep_id = sweep_path.rsplit("/", 1)
    return list(api(environment).runs(project, filters={"sweep": sweep_id}, lazy=False))


def varied(run: Any) -> tuple[Any, ...]:
    return tuple(run.config[name] for name in ("optimizer", "hidden_size", "learning_rate"))


def logged_epochs(run: Any) -> list[int]:
    return [row["epoch"] for row in run.scan_history(keys=["epoch", "val_accuracy"])]


def test_wandb_sweep_and_two_wandb_agents(checkout: Checkout) -> None:
    """No configuration twice, one point an epoch, and what Hyperband tells to stop is stopped."""
    with checkout.server() as environment:
        sweep_path = create_sweep(checkout, environment, LONG_SWEEP)
        agents = [checkout.start("wandb", "agent", sweep_path, **environment) for _ in range(2)]
        outputs = outputs_of(agents, 400)
        assert [agent.returncode for agent in agents] == [0, 0], outputs

        runs = runs_of(environment, sweep_path)
        assert [run.state for run in runs] == ["finished"] * 4, outputs
        assert len({varied(run) for run in runs}) == 4
        assert all("Agent received command: run" in output for output in outputs)
        stopped = [run for run in runs if run.summary["stopped_early"]]
        assert stopped
        for run in runs:
            epochs = logged_epochs(run)
            assert epochs == list(range(1, len(epochs) + 1))
            assert (len(epochs) < 400) == (run in stopped)
            assert run.summary["outcome"] == ("stopped" if run in stopped else "completed")
            assert run.summary["best_val_accuracy"] == max(
                row["val_accuracy"] for row in run.scan_history(keys=["val_accuracy"])
            )
            assert "model" in [artifact.type for artifact in run.logged_artifacts()]


def test_a_killed_agents_run_is_crashed_and_tried_again_once(checkout: Checkout) -> None:
    with checkout.server("--crash_after", "4") as environment:
        text = LONG_SWEEP.replace("run_cap: 4", "run_cap: 1").replace("400", "60")
        sweep_path = create_sweep(checkout, environment, text)
        agent = checkout.start("wandb", "agent", sweep_path, **environment)
        wait_for(lambda: any(r.state == "running" for r in runs_of(environment, sweep_path)))
        kill_tree(agent.pid)
        agent.communicate()
        wait_for(lambda: runs_of(environment, sweep_path)[0].state == "crashed")

        second = checkout.start("wandb", "agent", sweep_path, **environment)
        output, _ = second.communicate(timeout=200)
        runs = runs_of(environment, sweep_path)
        assert [run.state for run in runs] == ["crashed", "finished"], output
        assert varied(runs[0]) == varied(runs[1])


def test_run_sweep_from_one_command(checkout: Checkout) -> None:
    """No account: an embedded server, two agents, a table, one best model and its report."""
    config = checkout.write_sweep(SHORT_SWEEP)
    code, output = checkout.run(
        sys.executable, "run_sweep.py", "--config", config, "--count", "5", "--seed", "3"
    )
    assert code == 0, output
    assert "5/5 runs" in output
    assert "best val_accuracy" in output
    (model,) = (checkout.root / "models").glob("best_model_*.json")
    (report,) = (checkout.root / "plots").glob("*/report.html")
    assert f"models/{model.stem}.weights.h5" in output
    assert str(report.relative_to(checkout.root)) in output
    metrics = json.loads((report.parent / "metrics.json").read_text())
    assert metrics["accuracy"] > 0.8
    assert not list(checkout.root.rglob("server.json")), "the server must end with the sweep"

    sweep_id = re.findall(r"/sweeps/(\w+)", output)[-1]
    with checkout.server() as environment:
        runs = runs_of(environment, f"local/gradsweep/{sweep_id}")
    assert [run.state for run in runs] == ["finished"] * 5
    assert len({varied(run) for run in runs}) == 5
    best = max(runs, key=lambda run: run.summary["best_val_accuracy"])
    assert (
        best.summary["best_val_accuracy"]
        == json.loads(model.read_text())["metrics"]["val_accuracy"]
    )


def test_lists_of_sizes_travel_through_every_kind_of_agent(checkout: Checkout) -> None:
    """From the YAML to the network: as `--hidden_size=[16, 8]` and within a warm agent."""
    sizes = [16, [16], [16, 8]]
    with checkout.server() as environment:
        sweep_path = create_sweep(checkout, environment, LIST_SWEEP)
        code, output = checkout.run("wandb", "agent", sweep_path, **environment)
        assert code == 0, output
        assert "--hidden_size=[16, 8]" in output
        code, output = checkout.run(
            sys.executable, "run_sweep.py", "--config", checkout.write_sweep(LIST_SWEEP)
        )
        assert code == 0, output
        # The table of the best configurations shows what was swept, as it was.
        assert re.search(r"^ *0\.\d{4} +\w+ +finished +\[16, 8\]$", output, re.MULTILINE), output
        warm = re.findall(r"/sweeps/(\w+)", output)[-1]
        for path in (sweep_path, f"local/gradsweep/{warm}"):
            runs = runs_of(environment, path)
            assert [run.config["hidden_size"] for run in runs] == sizes
            assert [run.state for run in runs] == ["finished"] * 3
            browser = logged_in(environment["WANDB_BASE_URL"], environment["WANDB_API_KEY"])
            page = browser.get(api(environment).sweep(path).url, timeout=30)
            assert page.ok
            assert "[16, 8]" in page.text
    models = [json.loads(file.read_text()) for file in checkout.root.glob("models/**/*.json")]
    layers = {(str(m["config"]["hidden_size"]), m["config"]["num_layers"]) for m in models}
    assert layers == {("16", 3), ("[16]", 1), ("[16, 8]", 2)}


def test_ctrl_c_keeps_finished_runs_and_resume_goes_on(checkout: Checkout) -> None:
    config = checkout.write_sweep(SHORT_SWEEP.replace("epochs: {value: 3}", "epochs: {value: 60}"))
    command = [sys.executable, "run_sweep.py", "--config", config, "--count", "4"]
    process = checkout.start(*command)
    models = checkout.root / "models"
    wait_for(lambda: len(list(models.glob("sweep_*/best_model_*.json"))) >= 2, 120)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    found = re.search(r"python run_sweep.py --resume (\w+)", output)
    assert found, output
    left = [p for p in psutil.process_iter(["cmdline"]) if _works_in(p, checkout.root)]
    assert not left, "Ctrl-C must leave no process behind"

    code, output = checkout.run(sys.executable, "run_sweep.py", "--resume", found[1])
    assert code == 0, output
    with checkout.server() as environment:
        runs = runs_of(environment, f"local/gradsweep/{found[1]}")
    finished = [run for run in runs if run.state == "finished"]
    assert len(finished) == 4
    assert {run.state for run in runs} <= {"finished", "killed"}
    assert len({varied(run) for run in finished}) == 4


def test_a_sweep_that_is_deleted_while_it_runs_is_one_line(checkout: Checkout) -> None:
    config = checkout.write_sweep(SHORT_SWEEP.replace("{value: 3}", "{value: 100000}"))
    process = checkout.start(sys.executable, "run_sweep.py", "--config", config, "--count", "4")
    models = checkout.root / "models"
    wait_for(lambda: len(list(models.glob("sweep_*/best_model_*.json"))) >= 2, 120)
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
    assert not [p for p in psutil.process_iter(["cmdline"]) if _works_in(p, checkout.root)]
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
    models = checkout.root / "models"
    wait_for(lambda: list(models.glob("sweep_*/best_model_*.json")), 120)
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
    models = checkout.root / "models"
    wait_for(lambda: list(models.glob("sweep_*/best_model_*.json")), 120)
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


def test_two_sweeps_in_one_checkout_both_come_to_their_end(checkout: Checkout) -> None:
    """They share a server; the one that is still going on takes it over."""
    command = [sys.executable, "run_sweep.py", "--config", checkout.write_sweep(SHORT_SWEEP)]
    first = checkout.start(*command, "--count", "1", "--agents", "1")
    wait_for(lambda: list(checkout.root.rglob("server.json")))
    second = checkout.start(*command, "--count", "6", "--agents", "1")
    outputs = outputs_of([first, second], 240)
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert "1/1 runs" in outputs[0]
    assert "6/6 runs" in outputs[1]
    assert "the embedded server ended and was started again" in outputs[1]


def test_nothing_outlives_a_killed_run_sweep(checkout: Checkout) -> None:
    config = checkout.write_sweep(SHORT_SWEEP.replace("{value: 3}", "{value: 100000}"))
    process = checkout.start(sys.executable, "run_sweep.py", "--config", config)
    wait_for(lambda: list((checkout.root / "models").glob("sweep_*/best_model_*.json")), 120)
    process.kill()
    process.communicate()
    wait_for(lambda: not [p for p in psutil.process_iter() if _works_in(p, checkout.root)], 30)


def test_a_sweep_that_finds_nothing_says_so(checkout: Checkout) -> None:
    """Every run's loss is NaN within its first epoch."""
    text = SHORT_SWEEP.replace("{values: [0.001, 0.01]}", "{values: [1.0e+30, 2.0e+30]}")
    config = checkout.write_sweep(text.replace("[sgd, momentum, adam]", "[sgd]"))
    code, output = checkout.run(sys.executable, "run_sweep.py", "--config", config, "--count", "2")
    assert code == 1, output
    assert "No run has logged anything; .gradsweep/sweeps/" in output


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


def test_create_only_prints_commands_that_work(checkout: Checkout) -> None:
    """The lines that --create_only prints, pasted into two shells, run the sweep."""
    config = checkout.write_sweep(SHORT_SWEEP)
    process = checkout.start(
        sys.executable, "run_sweep.py", "--config", config, "--count", "2", "--create_only"
    )
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C ends it" in line:
            break
    text = "".join(lines)
    pasted = text.split("terminals as you like:")[1].split("The embedded server")[0]
    shells = [checkout.start("bash", "-ec", pasted) for _ in range(2)]
    outputs = outputs_of(shells, 240)
    assert [shell.returncode for shell in shells] == [0, 0], outputs
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    sweep_path = re.findall(r"wandb agent (\S+)", pasted)[0]
    with checkout.server() as environment:
        states = [run.state for run in runs_of(environment, sweep_path)]
    assert states == ["finished", "finished"]


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()) == folder
    except (psutil.Error, OSError):
        return False
