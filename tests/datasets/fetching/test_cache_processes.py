"""Fetching with several real processes and real kills."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.datasets.local_sources import (
    COMPRESSED,
    ROOT,
    FileServer,
    assert_cached,
    build_wheel,
    serving,
)

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "datasets" / "tiny"


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a process that fetches the tiny data set from what its arguments name."""

    def start(*arguments: str, **options: object) -> "subprocess.Popen[str]":
        environment = os.environ | {
            "GRADSWEEP_CACHE": str(tmp_path / "cache"),
            "PYTHONPATH": str(ROOT),
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_NO_INDEX": "1",
            "PIP_NO_CACHE_DIR": "1",
        }
        if arguments[0] == "wheel":
            environment["PIP_FIND_LINKS"] = arguments[1]
            arguments = (arguments[0], *arguments[2:])
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            [sys.executable, "-m", "tests.datasets.local_sources", *arguments],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    return start


def wait_until_halfway(server: FileServer) -> None:
    assert server.halfway.wait(60)


def test_two_processes_fetch_once_and_the_second_says_that_it_waits(
    start: Start, folder: Path
) -> None:
    with serving(COMPRESSED) as server:
        server.stalled = {"train-images-idx3-ubyte.gz"}
        first = start(server.address)
        wait_until_halfway(server)
        second = start(server.address)
        assert second.stderr is not None
        waiting = second.stderr.readline()
        server.resume.set()
        assert (first.wait(60), second.wait(60)) == (0, 0)
        assert "waiting for another process" in waiting
        assert sorted(server.asked) == sorted(COMPRESSED)
    assert_cached(folder)


def test_a_process_killed_in_a_download_does_not_disturb_the_next(
    start: Start, folder: Path
) -> None:
    with serving(COMPRESSED) as server:
        server.stalled = {"t10k-images-idx3-ubyte.gz"}
        killed = start(server.address)
        wait_until_halfway(server)
        killed.kill()
        killed.wait(60)
        assert any(path.is_dir() for path in folder.iterdir())  # its scratch folder
        server.resume.set()
        assert start(server.address).wait(60) == 0
    assert_cached(folder)


def test_a_process_killed_while_pip_downloads_does_not_disturb_the_next(
    start: Start, folder: Path, tmp_path: Path
) -> None:
    wheel = build_wheel(tmp_path)
    name = "gradsweep_tiny-1.0-py3-none-any.whl"
    files = {name: (tmp_path / name).read_bytes(), "": f'<a href="{name}">{name}</a>'.encode()}
    with serving(files) as server:
        server.stalled = {name}
        arguments = ("wheel", server.address, wheel.sha256, str(wheel.size))
        killed = start(*arguments)
        wait_until_halfway(server)
        killed.kill()
        killed.wait(60)
        assert any(path.is_dir() for path in folder.iterdir())
        server.stalled = set()
        # The orphaned pip is still there and finishes at some time during this.
        following = start(*arguments)
        server.resume.set()
        assert following.wait(60) == 0
    assert_cached(folder)


def test_a_full_disk_is_one_line_and_leaves_nothing(start: Start, folder: Path) -> None:
    """A limit on the size of files stands in for the disk: the write itself fails for real."""
    with serving(COMPRESSED) as server:
        fetching = start(
            server.address,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
        )
        _, shown = fetching.communicate(timeout=60)
    assert fetching.returncode == 2
    assert "Traceback" not in shown
    assert shown.splitlines()[-1].startswith("error: cannot use the cache")
    assert [path.name for path in folder.iterdir()] == [".lock"]
