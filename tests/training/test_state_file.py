"""The file of a training state: it is there whole or not at all, and a damaged one is refused."""

import multiprocessing
import os
import re
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.config.fields import Section, hyperparameter
from src.config.run_config import RunConfig, add_hyperparameter, remove_hyperparameter
from src.datasets.spec import InputSpec
from src.shared.errors import UserError
from src.tracking.address import RunAddress
from src.tracking.metrics import METRIC_NAMES, EpochMetrics
from src.training.state_file import Progress, RunRecord, StateFile

SPEC = InputSpec((6, 6, 1), ("a", "b"), (0.5,), (0.25,))
RECORD = RunRecord(
    RunAddress("abc", "p", None), RunConfig(hidden_size=(3, 4), dropout=0.1, run_name="é"), SPEC
)


def metrics(epoch: int, val_accuracy: float = 0.5) -> EpochMetrics:
    values = dict.fromkeys(METRIC_NAMES, 1 / 3)
    return EpochMetrics(**(values | {"epoch": epoch, "val_accuracy": val_accuracy}))  # type: ignore[arg-type]


def progress(epochs: int = 2, size: int = 1000) -> Progress:
    arrays: dict[str, Any] = {
        "model/0": np.full(size, epochs, np.float32),
        "model/seed": np.array([1, 2**32 - 1], np.uint32),
        "optimizer/iterations": np.array(epochs, np.int64),
        "optimizer/power": np.array(1 / 3, np.float64),
    }
    return Progress(tuple(metrics(i + 1) for i in range(epochs)), arrays)


@pytest.fixture
def state(tmp_path: Path) -> StateFile:
    return StateFile(tmp_path, "abc")


def assert_whole(state: StateFile, expected: Progress) -> None:
    record, loaded = state.load()
    assert record == RECORD
    assert loaded.epochs == expected.epochs
    assert loaded.arrays.keys() == expected.arrays.keys()
    for name, value in expected.arrays.items():
        np.testing.assert_array_equal(loaded.arrays[name], value, strict=True)


def test_what_was_saved_last_is_loaded(state: StateFile, tmp_path: Path) -> None:
    assert not state.exists()
    for epochs in range(3):
        state.save(RECORD, progress(epochs))
        assert_whole(state, progress(epochs))
    assert [path.name for path in tmp_path.iterdir()] == ["training_state_abc.npz"]
    with np.load(state.path, allow_pickle=False) as archive:
        assert b'"best_epoch":1' in archive["info"].tobytes(), "NumPy alone reads it, too"
    state.remove()
    assert not state.exists()


def test_a_hyperparameter_that_was_added_later_is_in_it(state: StateFile) -> None:
    """An extension adds it when this module has long been imported."""
    add_hyperparameter("glow", float, hyperparameter(1.0, "brightness", section=Section.MODEL))
    try:
        record = replace(RECORD, config=RunConfig.parse({"glow": 2.0}))
        state.save(record, progress())
        assert state.load()[0] == record
    finally:
        remove_hyperparameter("glow")


def test_the_best_epoch_is_the_first_of_the_best() -> None:
    assert Progress().best is None
    epochs = tuple(metrics(i + 1, value) for i, value in enumerate([0.2, 0.7, 0.1, 0.7]))
    assert Progress(epochs).best == epochs[1]


def test_a_file_with_any_byte_changed_or_missing_is_refused_in_one_line(state: StateFile) -> None:
    state.save(RECORD, progress(size=3))
    content = state.path.read_bytes()
    damaged = [
        content[:i] + bytes([content[i] ^ 1 << i % 8]) + content[i + 1 :]
        for i in range(0, len(content), 3)
    ]
    damaged += [content[:size] for size in (0, 1, 31, 32, 33, len(content) // 2, len(content) - 1)]
    damaged += [content + b"\0"]
    for other in damaged:
        state.path.write_bytes(other)
        with pytest.raises(UserError, match="is damaged; delete it") as raised:
            state.load()
        assert "\n" not in str(raised.value)
    state.path.write_bytes(content)
    assert_whole(state, progress(size=3))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"format_version":1', '"format_version":2', "format_version"),
        ('"spec"', '"spex"', "run.spec"),
        ('"dropout":0.1', '"dropout":7.1', "run.config.dropout"),
        ('"model":"mlp"', '"model":"rnn"', "activation"),
    ],
)
def test_a_file_of_another_version_is_refused_in_one_line(
    state: StateFile, monkeypatch: pytest.MonkeyPatch, old: str, new: str, place: str
) -> None:
    frombuffer = np.frombuffer

    def other(text: bytes, dtype: Any) -> Any:
        assert old in text.decode()
        return frombuffer(text.decode().replace(old, new).encode(), dtype)

    with monkeypatch.context() as patch:
        patch.setattr(np, "frombuffer", other)
        state.save(RECORD, progress())
    with pytest.raises(UserError) as raised:
        state.load()
    assert "not from this version of Gradsweep" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert place in str(raised.value)


def test_a_file_that_cannot_be_read_is_refused_in_one_line(state: StateFile) -> None:
    state.path.mkdir()
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\); mend that"):
        state.load()


def test_the_state_of_another_run_is_refused(state: StateFile, tmp_path: Path) -> None:
    state.save(RECORD, progress())
    state.path.rename(tmp_path / "training_state_xyz.npz")
    with pytest.raises(UserError, match="is the state of run abc; name the file after it"):
        StateFile(tmp_path, "xyz").load()


def test_a_run_is_found_by_its_id_in_the_folders_of_sweeps_too(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no unfinished run 'abc' in .*; none can be"):
        StateFile.find("abc", tmp_path)
    StateFile(tmp_path, "abc").save(RECORD, progress())
    (tmp_path / "sweep_s").mkdir()
    StateFile(tmp_path / "sweep_s", "x.y").save(RECORD, progress())
    (tmp_path / "best_model_z.json").touch()
    assert StateFile.find("abc", tmp_path).path.parent == tmp_path
    assert StateFile.find("x.y", tmp_path).path.parent == tmp_path / "sweep_s"
    for run_id in ("ab", "z", "../abc", "*", ""):
        with pytest.raises(UserError, match=r"these can be resumed: x\.y, abc|: abc, x\.y"):
            StateFile.find(run_id, tmp_path)


def _hold(state: StateFile, holding: Any) -> None:
    with state.held():
        holding.set()
        time.sleep(600)


def test_only_one_process_trains_a_run_and_a_killed_one_lets_go(
    state: StateFile, tmp_path: Path
) -> None:
    state.save(RECORD, progress())
    context = multiprocessing.get_context("spawn")
    holding = context.Event()
    process = context.Process(target=_hold, args=(state, holding))
    process.start()
    assert holding.wait(60)
    with (
        pytest.raises(UserError, match="run abc is being trained by another process"),
        state.held(),
    ):
        pass
    assert state.in_use()
    with pytest.raises(UserError, match="none can be resumed now"):
        StateFile.find("other", tmp_path)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not state.in_use()
    with state.held():
        state.remove()
    assert list(tmp_path.iterdir()) == [], "a finished run leaves no lock either"


def _save_for_ever(state: StateFile, begun: Any) -> None:
    for epochs in range(1, 10**6):
        state.save(RECORD, progress(epochs % 50, size=100_000))
        begun.set()


def test_a_kill_while_saving_leaves_what_was_saved_before_or_after(
    state: StateFile, tmp_path: Path
) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["src.training.state_file"])
    rng = np.random.default_rng(0)
    left_over = 0
    for _ in range(25):
        begun = context.Event()
        process = context.Process(target=_save_for_ever, args=(state, begun))
        process.start()
        assert begun.wait(60)
        time.sleep(rng.uniform(0, 0.05))
        process.kill()
        process.join()
        _, loaded = state.load()
        assert_whole(state, progress(len(loaded.epochs), size=100_000))
        left_over += (tmp_path / f".{state.path.name}").exists()
    assert left_over, "none of the kills hit the writing"


def test_a_failing_write_is_one_line_and_leaves_the_earlier_state(
    state: StateFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.save(RECORD, progress(1))

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    told = re.escape(f"{state.path} cannot be written (No space left on device); make room")
    with pytest.raises(UserError, match=told):
        state.save(RECORD, progress(2))
    assert_whole(state, progress(1))
    assert [path.name for path in tmp_path.iterdir()] == [state.path.name]
