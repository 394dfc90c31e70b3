"""A lost terminal ends sweeps, trainings and evaluations tidily, and a log says how to go on."""

import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from src.shared.paths import ROOT
from tests.checkout import Checkout, api, copy_checkout, wait_for
from tests.processes import working_in
from tests.small_sweeps import ENDLESS_SWEEP, begun_runs
from tests.terminals import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LONG = ("--dataset=synthetic", "--epochs=100000")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return copy_checkout(tmp_path)


def lost_while(
    checkout: Checkout, at_work: Callable[[], object], *command: str, **environment: str
) -> Terminal:
    """A program that has ended, as its terminal was lost when it was at work."""
    terminal = Terminal(command, checkout.root, checkout.environment(**environment))
    try:
        wait_for(lambda: at_work() or terminal.process.poll() is not None, 120)
        assert terminal.process.poll() is None, terminal.shown
        terminal.lose()
        terminal.process.wait(120)
    finally:
        terminal.process.kill()
    return terminal


def log_in(folder: Path) -> str:
    [log] = folder.glob("*.log")
    text = log.read_text()
    assert "Traceback" not in text, text
    return text


def test_of_a_training(checkout: Checkout) -> None:
    with checkout.server() as server:
        trained = lost_while(
            checkout,
            lambda: list(checkout.root.glob("models/training_state_*.npz")),
            *(sys.executable, "-m", "src.train", *LONG),
            **server,
        )
        assert trained.process.returncode == 130
        text = log_in(checkout.root / ".gradsweep" / "logs")
        command = re.findall(r"^Resume     (python -m src.train --resume (\w+))$", text, re.M)[-1]
        run = api(server).run(f"local/gradsweep/{command[1]}")
        assert (run.state, run.summary["outcome"]) == ("killed", "interrupted")
    assert list(checkout.root.glob(f"models/training_state_{command[1]}.npz"))


def test_of_a_sweep(checkout: Checkout) -> None:
    config = checkout.write_sweep(ENDLESS_SWEEP)
    swept = lost_while(
        checkout,
        lambda: len(begun_runs(checkout)) >= 2,
        *(sys.executable, "run_sweep.py", "--config", config, "--count", "4"),
    )
    [folder] = (checkout.root / ".gradsweep" / "sweeps").iterdir()
    text = (folder / "sweep.log").read_text()
    assert swept.process.returncode == 130, text
    assert "Traceback" not in text
    assert f"Go on with  python run_sweep.py --resume {folder.name}\n" in text
    assert "The best of 2 runs" in text
    assert working_in(checkout.root) == []
    assert not list(checkout.root.rglob("server.json")), "the server has ended tidily, too"
    with checkout.server() as server:
        runs = api(server).runs("local/gradsweep", filters={"sweep": folder.name}, lazy=False)
        assert [run.state for run in runs] == ["killed", "killed"]
        assert [run.summary["outcome"] for run in runs] == ["interrupted"] * 2


def test_of_an_evaluation(checkout: Checkout) -> None:
    for file in (ROOT / "tests" / "training" / "recorded").glob("best_model_mlp.*"):
        shutil.copy(file, checkout.root / "models")
    evaluation = ["-m", "src.evaluate", "--model_path", "models/best_model_mlp"]
    started = Terminal([sys.executable, *evaluation], checkout.root, checkout.environment())
    wait_for(lambda: "Evaluating" in started.shown)
    started.lose()
    assert started.process.wait(120) == 130
    text = log_in(checkout.root / ".gradsweep" / "logs")
    assert f"Again with  python {shlex.join(evaluation)}\n" in text


def test_a_training_that_nohup_keeps_goes_on(checkout: Checkout) -> None:
    """Its output is nobody's then; before, the first line that it printed ended it."""
    keep = ("sh", "-c", 'trap "" HUP; exec "$@"', "sh")
    command = (sys.executable, "-m", "src.train", *LONG, "--no_wandb")
    terminal = Terminal([*keep, *command], checkout.root, checkout.environment())
    try:
        wait_for(lambda: "epoch  " in terminal.shown, 120)
        terminal.lose()
        logs = checkout.root / ".gradsweep" / "logs"
        wait_for(lambda: logs.exists() and log_in(logs).count("\nepoch ") > 5)
        assert terminal.process.poll() is None
        terminal.process.terminate()
        assert terminal.process.wait(60) == 0
        assert "Resume     python -m src.train --resume" in log_in(logs)
    finally:
        terminal.process.kill()
