"""A run that is really killed, interrupted or out of disk goes on, and W&B has each epoch once."""

import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from src.training.checkpoints import load
from src.training.state_file import Progress, StateFile
from tests.checkout import Checkout, api, copy_checkout, wait_for
from tests.processes import signal_tree
from tests.rights import mounting
from tests.training.resumable_runs import flags
from tests.wandb_server.http.test_full_disk import SmallDisk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TRAIN = (sys.executable, "-m", "src.train")
EPOCHS = 30  # so many that one is under way when a signal comes, however late that is
MLP = [*flags("mlp"), "--batch_size=4", f"--epochs={EPOCHS}"]

Best = tuple[dict[str, float], list[NDArray[Any]]]
Row = dict[str, Any]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return copy_checkout(tmp_path)


@pytest.fixture
def server(checkout: Checkout) -> Iterator[dict[str, str]]:
    with checkout.server() as environment:
        # A client that sends what it has every second, not every 15; it takes no fractions.
        yield environment | {"WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "1"}


def states(checkout: Checkout) -> list[StateFile]:
    prefix, suffix = "training_state_", ".npz"
    files = (checkout.root / "models").glob(f"{prefix}*{suffix}")
    return [
        StateFile(file.parent, file.name.removeprefix(prefix).removesuffix(suffix))
        for file in files
    ]


def progress(checkout: Checkout) -> Progress | None:
    """What the checkout's one run has saved."""
    return states(checkout)[0].load()[1] if states(checkout) else None


def begun(checkout: Checkout, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A run that has saved its first state: from then on it can be resumed."""
    process = checkout.start(*TRAIN, *arguments, **environment)
    wait_for(lambda: states(checkout) or process.poll() is not None, 120)
    assert process.poll() is None, process.communicate()[0]
    return process


def wait_for_epoch(checkout: Checkout, epoch: int, process: subprocess.Popen[str]) -> None:
    """Return as soon as this epoch is saved, or the run has ended."""
    deadline = time.monotonic() + 60
    while process.poll() is None and (done := progress(checkout)) and len(done.epochs) < epoch:
        if time.monotonic() > deadline:
            process.send_signal(signal.SIGABRT)
            pytest.fail(process.communicate()[0])
        time.sleep(0.005)


def resume(checkout: Checkout, run_id: str, *options: str, **environment: str) -> str:
    code, output = checkout.run(*TRAIN, "--resume", run_id, *options, **environment)
    assert code == 0, output
    assert not (environment and "logged offline" in output), output
    assert states(checkout) == [], "a run that is complete leaves no state"
    return output


def epoch_lines(output: str) -> list[str]:
    return re.findall(r"epoch +\d+/.* val_accuracy \S+", output)


def best(checkout: Checkout, run_id: str) -> Best:
    """Metrics, but for the speed, and weights of the best epoch."""
    network, info = load(checkout.root / "models" / f"best_model_{run_id}")
    metrics = {k: v for k, v in vars(info.metrics).items() if k != "examples_per_second"}
    return metrics, network.model.get_weights()


def assert_same_best(first: Best, second: Best) -> None:
    (metrics, weights), (expected, expected_weights) = first, second
    assert metrics == expected
    for own, value in zip(weights, expected_weights, strict=True):
        np.testing.assert_array_equal(own, value)


def id_in(output: str) -> str:
    return str(re.findall(r"^Run {8}(\S+)$", output, re.MULTILINE)[0])


def epochs_at(server: dict[str, str], run_id: str) -> list[Row]:
    """What W&B has of a run that is complete, a row an epoch, but for what is timed."""
    run = api(server).run(f"local/gradsweep/{run_id}")
    assert (run.state, run.summary["outcome"]) == ("finished", "completed")
    assert not run.summary["stopped_early"]
    rows = [row for row in run.scan_history() if "val_accuracy" in row]
    timed = ("examples_per_second", "_runtime", "_timestamp")
    return [{k: v for k, v in row.items() if k not in timed} for row in rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Row], Best]:
    """What W&B has of a run that nothing has cut off, and its best epoch."""
    checkout = copy_checkout(tmp_path_factory.mktemp("whole"))
    with checkout.server() as server:
        code, output = checkout.run(*TRAIN, *MLP, **server)
        assert code == 0, output
        rows = epochs_at(server, id_in(output))
    assert [(row["epoch"], row["_step"]) for row in rows] == [(i + 1, i) for i in range(EPOCHS)]
    return rows, best(checkout, id_in(output))


@pytest.mark.parametrize("run", ["mlp", "cnn", "resnet", "rnn"])
def test_kills_at_random_moments_change_nothing(checkout: Checkout, run: str) -> None:
    arguments = [*flags(run), "--epochs=6", "--no_wandb"]
    code, whole = checkout.run(*TRAIN, *arguments)
    assert code == 0, whole
    rng = random.Random(run)
    process = begun(checkout, *arguments)
    (state,) = states(checkout)
    lines = ""
    for epoch in (1, 3):
        wait_for_epoch(checkout, epoch, process)
        time.sleep(rng.uniform(0, 0.05))
        process.kill()
        lines += process.communicate()[0]
        if not state.exists():
            break  # this one was faster than we
        process = checkout.start(*TRAIN, "--resume", state.run_id)
    lines += process.communicate(timeout=120)[0]
    assert not state.exists()
    # A line may be lost with the process that was to print it, or be there from both.
    assert set(epoch_lines(lines)) <= set(epoch_lines(whole))
    assert epoch_lines(whole)[-1] in lines
    assert_same_best(best(checkout, state.run_id), best(checkout, id_in(whole)))


def epochs_sent(server: dict[str, str], run_id: str) -> int:
    run = api(server).run(f"local/gradsweep/{run_id}")
    return len(list(run.scan_history(keys=["epoch"])))


@pytest.mark.parametrize(
    ("epoch", "sent", "kill"),
    [
        (0, 0, lambda process: process.kill()),  # compiling, before the first epoch ends
        (3, 2, lambda process: process.kill()),  # W&B's own process sends what it has
        # W&B's own process loses what it has.
        (3, 0, lambda process: signal_tree(process.pid, signal.SIGKILL)),
    ],
    ids=["first epoch", "sent", "lost"],
)
def test_wandb_has_every_epoch_once(
    checkout: Checkout,
    server: dict[str, str],
    whole: tuple[list[Row], Best],
    epoch: int,
    sent: int,
    kill: Callable[[subprocess.Popen[str]], None],
) -> None:
    process = begun(checkout, *MLP, **server)
    (state,) = states(checkout)
    wait_for_epoch(checkout, epoch, process)
    process.send_signal(signal.SIGSTOP)
    if sent:
        wait_for(lambda: epochs_sent(server, state.run_id) >= sent)
    kill(process)
    process.communicate()
    assert state.exists(), "the run was over before it was killed"
    resume(checkout, state.run_id, **server)
    assert epochs_at(server, state.run_id) == whole[0]
    assert_same_best(best(checkout, state.run_id), whole[1])
    execution = api(server).run(f"local/gradsweep/{state.run_id}").config["execution"]
    assert execution["jit"] is True
    assert "mlp" in execution["reason"]


def test_a_run_killed_while_it_finishes_goes_on_to_its_end(
    checkout: Checkout, server: dict[str, str], whole: tuple[list[Row], Best]
) -> None:
    process = begun(checkout, *MLP, **server)
    (state,) = states(checkout)
    wait_for_epoch(checkout, EPOCHS, process)
    process.kill()
    process.communicate()
    assert state.exists(), "the run was over before it was killed"
    output = resume(checkout, state.run_id, **server)
    assert f"Resumed    after epoch {EPOCHS}/{EPOCHS}" in output
    assert epochs_at(server, state.run_id) == whole[0]
    run = api(server).run(f"local/gradsweep/{state.run_id}")
    assert [a.type for a in run.logged_artifacts() if a.type == "model"] == ["model"]


def test_offline_the_new_folder_has_the_whole_run(
    checkout: Checkout, server: dict[str, str], whole: tuple[list[Row], Best]
) -> None:
    process = begun(checkout, *MLP)
    (state,) = states(checkout)
    wait_for_epoch(checkout, 3, process)
    process.kill()
    process.communicate()
    resume(checkout, state.run_id)
    offline = sorted((checkout.root / "wandb").glob(f"offline-run-*-{state.run_id}"))
    assert len(offline) == 2
    for folder in offline:
        code, output = checkout.run("wandb", "sync", str(folder), **server)
        assert code == 0, output
    assert epochs_at(server, state.run_id) == whole[0]


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_leaves_a_run_that_can_be_resumed_as_it_says(
    checkout: Checkout,
    server: dict[str, str],
    whole: tuple[list[Row], Best],
    signum: signal.Signals,
    code: int,
) -> None:
    process = begun(checkout, *MLP, **server)
    (state,) = states(checkout)
    wait_for_epoch(checkout, 2, process)
    process.send_signal(signum)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == code, output
    name, command = output.strip().splitlines()[-1].split(maxsplit=1)
    assert (name, command) == ("Resume", f"python -m src.train --resume {state.run_id}")
    run = api(server).run(f"local/gradsweep/{state.run_id}")
    assert run.summary["confusion_matrix_heatmap"]["_type"] == "image-file"
    code, output = checkout.run(*shlex.split(command), **server)
    assert code == 0, output
    assert "logged offline" not in output
    assert epochs_at(server, state.run_id) == whole[0], output
    assert_same_best(best(checkout, state.run_id), whole[1])


def test_a_second_ctrl_c_drops_the_epoch_and_still_says_how_to_go_on(checkout: Checkout) -> None:
    process = begun(checkout, *flags("mlp"), "--no_wandb")
    (state,) = states(checkout)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert f"Resume     python -m src.train --resume {state.run_id}\n" in output
    assert "Traceback" not in output
    resume(checkout, state.run_id)


def test_a_sweeps_stopped_run_leaves_nothing_to_resume(checkout: Checkout) -> None:
    process = begun(checkout, *MLP, "--no_wandb", WANDB_SWEEP_ID="s")
    process.terminate()
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert "Resume" not in output
    assert states(checkout) == []


def test_what_cannot_be_resumed_is_one_line(checkout: Checkout) -> None:
    def refused(run_id: str) -> str:
        code, output = checkout.run(*TRAIN, "--resume", run_id)
        assert code == 2, output
        assert len(output.splitlines()) == 1, output
        return output

    assert "there is no unfinished run 'nowhere'" in refused("nowhere")
    process = begun(checkout, *MLP, "--epochs=100000", "--no_wandb")
    (state,) = states(checkout)
    assert "is being trained by another process" in refused(state.run_id)
    assert "none can be resumed now" in refused("nowhere")
    process.kill()
    process.communicate()
    assert f"these can be resumed: {state.run_id}" in refused("nowhere")
    content = state.path.read_bytes()
    state.path.write_bytes(content[:-100])
    assert "is damaged; delete it" in refused(state.run_id)


@mounting
@pytest.mark.parametrize("room", [0, 40_000])
def test_a_full_disk_is_one_line_and_loses_nothing(
    checkout: Checkout, whole: tuple[list[Row], Best], room: int
) -> None:
    """So little room that the state fails, or the checkpoint after it."""
    models = checkout.root / "models"
    models.rmdir()
    disk = SmallDisk(models)
    try:
        process = begun(checkout, *MLP, "--no_wandb")
        (state,) = states(checkout)
        wait_for_epoch(checkout, 2, process)
        process.send_signal(signal.SIGSTOP)  # or it might be done before the disk is full
        disk.fill()
        filler = models / "filler"
        os.truncate(filler, filler.stat().st_size - room)
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 2, output
        assert output.count("error: ") == 1
        assert "No space left on device" in output
        assert "Traceback" not in output
        assert f"Resume     python -m src.train --resume {state.run_id}\n" in output
        assert 2 <= len(state.load()[1].epochs) < EPOCHS
        assert best(checkout, state.run_id)[0]["epoch"] >= 1
        disk.free()
        resume(checkout, state.run_id)
        assert_same_best(best(checkout, state.run_id), whole[1])
        assert not list(models.glob(".*")), "nothing half-written is left"
    finally:
        disk.close()
