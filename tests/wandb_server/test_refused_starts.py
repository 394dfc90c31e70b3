"""A server that cannot start says why in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from src.shared.paths import ROOT


def refusal(data: Path, *options: str) -> str:
    """What the server says as it refuses to start."""
    command = [sys.executable, "-m", "src.wandb_server", "--data", str(data), "--port", "0"]
    ended = subprocess.run(
        [*command, *options],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2, ended
    [line] = ended.stderr.splitlines()
    return line


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_run_is_given_up_after_a_time_above_zero(tmp_path: Path, seconds: str) -> None:
    line = refusal(tmp_path, f"--crash_after={seconds}")
    assert f"--crash_after: {seconds!r} is not a number of seconds above 0" in line


@pytest.mark.parametrize("name", ["lock", "api_key", "server.db"])
@pytest.mark.parametrize("option", ["--port=0", "--open"])
def test_a_file_that_cannot_be_opened_is_named_with_its_folder(
    tmp_path: Path, name: str, option: str
) -> None:
    (tmp_path / name).mkdir()  # as refused as another user's file, to root as well
    line = refusal(tmp_path, option)
    assert line.startswith(f"error: --data {tmp_path}: ")
    assert "; name a" in line


def test_stored_files_that_cannot_be_listed_are_named_with_their_folder(tmp_path: Path) -> None:
    (tmp_path / "files").touch()
    assert "; name a folder that you own" in refusal(tmp_path)
