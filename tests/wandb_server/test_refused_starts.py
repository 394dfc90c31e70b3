"""A server that cannot start says why in one line."""

import contextlib
import ctypes
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from src.shared.paths import ROOT
from src.wandb_server.store.backups import Why, back_up
from tests.rights import NOBODY, mounting, root_only
from tests.wandb_server.server_harness import ServerProcess, free_port

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


def obey_permissions() -> None:
    """Make root refused what others are refused: drop what lets it pass by permissions."""
    if os.geteuid() == 0:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability)


def refusal(data: Path, *options: str, before: tuple[str, ...] = ()) -> str:
    """What the server says as it refuses to start.

    Args:
        data: Its data folder.
        options: What it is started with besides.
        before: A program that starts it.
    """
    command = [sys.executable, "-m", "src.wandb_server", "--data", str(data), "--port", "0"]
    ended = subprocess.run(
        [*before, *command, *options],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=obey_permissions,
    )
    assert ended.returncode == 2, ended
    [line] = ended.stderr.splitlines()
    return line


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_run_is_given_up_after_a_time_above_zero(tmp_path: Path, seconds: str) -> None:
    line = refusal(tmp_path, f"--crash_after={seconds}")
    assert f"--crash_after: {seconds!r} is not a number of seconds above 0" in line


@pytest.mark.parametrize("name", ["lock", "api_key", "server.db", "followed_links"])
@pytest.mark.parametrize("option", ["--port=0", "--open"])
def test_a_file_that_cannot_be_opened_is_named_with_its_folder(
    tmp_path: Path, name: str, option: str
) -> None:
    (tmp_path / name).mkdir()  # as refused as another user's file, to root as well
    line = refusal(tmp_path, option)
    assert line.startswith(f"error: --data {tmp_path}: ")
    assert "; name a" in line


@pytest.mark.parametrize("left", [b"", b"\n", b"k" * 39, b"\xff\xfe"], ids=repr)
def test_a_file_without_a_key_is_not_taken_for_one(tmp_path: Path, left: bytes) -> None:
    """Whoever sends no key would have sent the right one."""
    (tmp_path / "api_key").write_bytes(left)
    line = refusal(tmp_path)
    assert "holds no API key (40 characters or more); remove it for a new one" in line
    assert (tmp_path / "api_key").read_bytes() == left


@root_only
def test_the_key_of_another_user_is_not_taken(tmp_path: Path) -> None:
    """In a folder that others may write."""
    key = tmp_path / "api_key"
    key.write_text("k" * 40)
    key.chmod(0o666)
    os.chown(key, NOBODY, NOBODY)
    line = refusal(tmp_path)
    assert "is another user's, who knows the key; remove it for a new one" in line


def test_stored_files_that_cannot_be_listed_are_named_with_their_folder(tmp_path: Path) -> None:
    (tmp_path / "files").touch()
    assert "; name a folder that you own" in refusal(tmp_path)


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with free_port() as taken:
        port = str(taken.getsockname()[1])
        assert refusal(tmp_path, "--port", port).startswith(f"error: --port {port}: ")


Found = dict[str, tuple[int, int, bytes]]


def contents(data: Path) -> Found:
    """All that is in a folder, with when it was changed and by whom it may be.

    But for the memory that the connections of a server that lives share.
    """
    return {
        str(path): (
            path.stat().st_mtime_ns,
            path.stat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in (data, *sorted(data.rglob("*")))
        if path.suffix != ".db-shm"
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that a server has left in order."""
    data = tmp_path_factory.mktemp("served") / "data"
    server = ServerProcess(data)
    server.start()
    server.graphql('mutation { upsertBucket(input: {name: "r"}) { inserted } }')
    assert server.end() == 0
    return data


@pytest.fixture
def left(served: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(served, tmp_path / "data")


def of_a_newer_version(data: Path) -> None:
    with contextlib.closing(sqlite3.connect(data / "server.db")) as database:
        database.execute("PRAGMA user_version=999")


def of_another_user(data: Path) -> None:
    for path in (data, *data.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    data.chmod(0o555)


def protected(name: str) -> Callable[[Path], None]:
    return lambda data: (data / name).chmod(0o400 if name != "." else 0o500)


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (of_a_newer_version, "was written by a newer version of Gradsweep; name another folder"),
        pytest.param(
            of_another_user, ": Permission denied; name a folder that you own", marks=root_only
        ),
        (protected("."), ": Permission denied; name a folder that you own"),
        (protected("lock"), ": lock: Permission denied; name a folder that you own"),
        (protected("server.db"), ": server.db: Permission denied; name a folder that you own"),
    ],
    ids=["newer", "anothers", "folder", "lock", "database"],
)
@pytest.mark.parametrize("option", ["--port=0", "--open"])
def test_a_folder_that_is_not_to_be_changed_is_not(
    left: Path, alter: Callable[[Path], None], message: str, option: str
) -> None:
    alter(left)
    before = contents(left)
    line = refusal(left, option)
    left.chmod(0o700)
    assert line.startswith(f"error: --data {left}: ")
    assert line.endswith(message)
    before[str(left)] = (before[str(left)][0], left.stat().st_mode, b"")
    assert contents(left) == before


def test_a_second_server_changes_nothing(
    left: Path, start_server: Callable[..., ServerProcess]
) -> None:
    back_up(left / "server.db", Why.DAILY)  # or the first one may just be making it
    server = start_server(data=left)
    server.graphql('mutation { upsertBucket(input: {name: "r"}) { inserted } }')
    before = contents(server.data)
    line = refusal(server.data)
    assert line.endswith(f" is already running at {server.url}; use that one")
    assert contents(server.data) == before
    assert requests.get(f"{server.url}/healthz", timeout=30).ok


@mounting
def test_a_disk_that_is_read_only_is_left_alone(left: Path) -> None:
    mount = f"mount --bind {left} {left} && mount -o remount,ro,bind {left}"
    before = contents(left)
    line = refusal(left, before=("unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"))
    assert line.endswith("; name a folder on a disk that can be written")
    assert contents(left) == before
