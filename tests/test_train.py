"""A training run as a user starts it: every way to call it, every way for it to end."""

import json
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import Checkout, api, copy_checkout, wait_for

pytestmark = [pytest.mark.slow]

TINY = ["--dataset", "synthetic", "--epochs", "2", "--hidden_size", "16"]
LONG = ["--dataset", "synthetic", "--epochs", "100000", "--batch_size", "4"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def server(checkout: Checkout) -> Iterator[dict[str, str]]:
    with checkout.server() as environment:
        yield environment


def the_run(environment: dict[str, str], output: str) -> Any:
    run_id = re.findall(r"/runs/(\w+)", output)[-1]
    return api(environment).run(f"local/gradsweep/{run_id}")


def begun(checkout: Checkout, before: set[Path]) -> bool:
    """Whether a run has saved a model since."""
    return bool(set((checkout.root / "models").glob("best_model_*.json")) - before)


@pytest.mark.parametrize(
    ("folder", "command"),
    [(".", ["src/train.py"]), ("src", ["train.py"]), (".", ["-m", "src.train"])],
)
def test_every_way_to_call_it(checkout: Checkout, folder: str, command: list[str]) -> None:
    inside = Checkout(checkout.root / folder)
    code, output = inside.run(sys.executable, *command, *TINY, "--no_wandb")
    assert code == 0, output
    stem = re.findall(r"Model +(\S+)\.weights\.h5", output)[0]
    assert json.loads(Path(f"{stem}.json").read_text())["config"]["hidden_size"] == 16
    assert Path(stem).parent == checkout.root / "models"


def test_without_a_key_it_logs_offline_and_never_asks(checkout: Checkout) -> None:
    code, output = checkout.run(sys.executable, "-m", "src.train", *TINY)
    assert code == 0, output
    assert output.count("no API key, so this run is logged offline") == 1
    assert list((checkout.root / "wandb").glob("offline-run-*/*.wandb"))


def test_no_wandb_leaves_no_trace(checkout: Checkout) -> None:
    before = set(checkout.root.rglob("*.wandb"))
    code, output = checkout.run(sys.executable, "-m", "src.train", *TINY, "--no_wandb")
    assert code == 0, output
    assert set(checkout.root.rglob("*.wandb")) == before
    assert "wandb" not in output.lower().replace("--no_wandb", "")


def test_what_a_run_logs(checkout: Checkout, server: dict[str, str]) -> None:
    code, output = checkout.run(
        *(sys.executable, "-m", "src.train", *TINY, "--run_name", "my run", "--seed", "5"), **server
    )
    assert code == 0, output
    run = the_run(server, output)
    assert (run.state, run.name) == ("finished", "my run")
    assert run.config["seed"] == 5
    assert set(run.config["versions"]) == {"python", "tensorflow", "keras", "numpy", "wandb"}
    assert "git_commit" in run.config
    rows = [row for row in run.scan_history() if "val_accuracy" in row]
    assert [row["epoch"] for row in rows] == [1, 2]
    logged = {name for name in rows[0] if not name.startswith("_")}
    assert logged == {
        *("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "best_val_accuracy"),
        *("learning_rate", "grad_norm", "weight_norm", "update_norm", "examples_per_second"),
        "penalty",
    }
    files = [file.name for file in run.files()]
    assert any(re.match(r"media/images/confusion_matrix_heatmap.*\.png", name) for name in files)
    assert any(re.match(r"media/table/confusion_matrix_table.*\.json", name) for name in files)
    (model,) = [artifact for artifact in run.logged_artifacts() if artifact.type == "model"]
    assert {Path(file.name).name for file in model.files()} == {
        f"best_model_{run.id}.json",
        f"best_model_{run.id}.weights.h5",
    }


def test_two_processes_with_the_same_seed_print_the_same(checkout: Checkout) -> None:
    command = [sys.executable, "-m", "src.train", *TINY, "--no_wandb", "--dropout", "0.3"]
    epochs = []
    for _ in range(2):
        _, output = checkout.run(*command)
        epochs.append(re.findall(r"epoch .* val_accuracy \S+", output))
    assert len(epochs[0]) == 2
    assert epochs[0] == epochs[1]


def test_a_diverging_loss_fails_the_run_with_one_line(
    checkout: Checkout, server: dict[str, str]
) -> None:
    before = set((checkout.root / "models").iterdir())
    code, output = checkout.run(
        *(sys.executable, "-m", "src.train", *TINY, "--optimizer", "sgd"),
        *("--learning_rate", "1e30"),
        **server,
    )
    assert code == 2
    assert "error: training diverged: loss is nan in epoch 1" in output
    assert "Traceback" not in output
    run = the_run(server, output)
    assert (run.state, run.summary["outcome"]) == ("failed", "diverged")
    assert set((checkout.root / "models").iterdir()) == before, "nothing to evaluate or resume"


@pytest.mark.parametrize(
    ("signum", "code", "state", "outcome"),
    [
        (signal.SIGTERM, 0, "finished", "stopped"),
        (signal.SIGINT, 130, "killed", "interrupted"),
    ],
)
def test_a_signal_ends_the_run_with_nothing_lost(
    checkout: Checkout,
    server: dict[str, str],
    signum: signal.Signals,
    code: int,
    state: str,
    outcome: str,
) -> None:
    before = set((checkout.root / "models").glob("best_model_*.json"))
    process = checkout.start(sys.executable, "-m", "src.train", *LONG, **server)
    wait_for(lambda: begun(checkout, before))
    process.send_signal(signum)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output
    assert "Traceback" not in output
    run = the_run(server, output)
    assert (run.state, run.summary["outcome"]) == (state, outcome)
    assert run.summary["stopped_early"] == (outcome == "stopped")
    stem = checkout.root / "models" / f"best_model_{run.id}.json"
    assert (
        json.loads(stem.read_text())["metrics"]["val_accuracy"] == run.summary["best_val_accuracy"]
    )


def test_a_wrong_api_key_is_one_line_before_any_training(
    checkout: Checkout, server: dict[str, str]
) -> None:
    code, output = checkout.run(
        *(sys.executable, "-m", "src.train", *TINY), **(server | {"WANDB_API_KEY": "0" * 40})
    )
    assert code == 2, output
    assert "refuses the API key" in output
    assert "Traceback" not in output
    assert "epoch" not in output


def test_a_server_that_is_not_there_makes_the_run_offline(checkout: Checkout) -> None:
    # Port 9 of the loopback interface: nothing listens there.
    address = {"WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_API_KEY": "0" * 40}
    code, output = checkout.run(sys.executable, "-m", "src.train", *TINY, **address)
    assert code == 0, output
    assert "http://127.0.0.1:9 does not answer; this run is logged offline" in output
    assert "epoch   2/2" in output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WANDB_MODE", "sometimes"),
        ("WANDB_FINISH_TIMEOUT", "soon"),
        ("WANDB_PROJECT", "a/b?c"),
        ("WANDB_DIR", "/proc"),
    ],
)
def test_an_odd_setting_of_wandb_is_one_line(checkout: Checkout, name: str, value: str) -> None:
    code, output = checkout.run(sys.executable, "-m", "src.train", *TINY, **{name: value})
    assert code == 2, output
    assert "Traceback" not in output
    assert "WANDB_" in output
    assert "epoch" not in output


def test_a_models_folder_that_cannot_be_written_is_found_before_the_training(
    tmp_path: Path,
) -> None:
    checkout = copy_checkout(tmp_path)
    (tmp_path / "models").rmdir()
    (tmp_path / "models").write_text("not a folder")
    code, output = checkout.run(sys.executable, "-m", "src.train", *TINY, "--no_wandb")
    assert code == 2, output
    assert "error: models cannot be saved in" in output
    assert "epoch" not in output


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        (["--model=cnn", "--filters=4,4,4,4,4,4", "--hidden_size=8"], "--filters"),
        (["--strategy=mirrored"], "--strategy: mirrored needs at least 2 GPUs"),
    ],
)
def test_what_cannot_be_built_is_refused_before_a_run_begins(
    checkout: Checkout, flags: list[str], fault: str
) -> None:
    before = set((checkout.root / "wandb").glob("*"))
    code, output = checkout.run(sys.executable, "-m", "src.train", "--dataset=synthetic", *flags)
    assert code == 2, output
    assert [line.split("error: ")[-1][: len(fault)] for line in output.splitlines()] == [fault]
    assert set((checkout.root / "wandb").glob("*")) == before
