"""The main job in small: real wandb CLI and real agents on the embedded server."""

import json
import re
import signal
import sys
from pathlib import Path

import pytest

from tests.checkout import Checkout, api, copy_checkout, outputs_of, printed_until, wait_for
from tests.small_sweeps import LONG_SWEEP, SHORT_SWEEP, create_sweep, logged_epochs, runs_of, varied
from tests.wandb_server.server_harness import logged_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

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


def test_a_sweep_that_finds_nothing_says_so(checkout: Checkout) -> None:
    """Every run's loss is NaN within its first epoch."""
    text = SHORT_SWEEP.replace("{values: [0.001, 0.01]}", "{values: [1.0e+30, 2.0e+30]}")
    config = checkout.write_sweep(text.replace("[sgd, momentum, adam]", "[sgd]"))
    code, output = checkout.run(sys.executable, "run_sweep.py", "--config", config, "--count", "2")
    assert code == 1, output
    assert "No run has logged anything; .gradsweep/sweeps/" in output


def test_create_only_prints_commands_that_work(checkout: Checkout) -> None:
    """The lines that --create_only prints, pasted into two shells, run the sweep."""
    config = checkout.write_sweep(SHORT_SWEEP)
    process = checkout.start(
        sys.executable, "run_sweep.py", "--config", config, "--count", "2", "--create_only"
    )
    text = printed_until(process, "Ctrl-C ends it")
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
