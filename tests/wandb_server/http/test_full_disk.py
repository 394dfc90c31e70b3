"""A disk that is full: a clear error, nothing half-written, and on it goes when there is space."""

import base64
import hashlib
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.rights import mounting
from tests.wandb_server.server_harness import Client, ServerProcess, wait_for

SIZE = 3 * 2**20


class SmallDisk:
    """A file system of 3 MB, filled by a file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
        subprocess.run(mount, check=True)

    def fill(self, server: ServerProcess | None = None) -> None:
        with (self.folder / "filler").open("wb", buffering=0) as file:
            for size in (4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    pass

    def free(self, server: ServerProcess | None = None) -> None:
        (self.folder / "filler").unlink()

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


class Quota:
    """A limit that the system sets to the size of the files that the server may write."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder

    def fill(self, server: ServerProcess) -> None:
        self._limit(server, 1)

    def free(self, server: ServerProcess) -> None:
        self._limit(server, resource.RLIM_INFINITY)

    def _limit(self, server: ServerProcess, size: int) -> None:
        assert server.process is not None
        limit = (size, resource.RLIM_INFINITY)
        psutil.Process(server.process.pid).rlimit(psutil.RLIMIT_FSIZE, limit)

    def close(self) -> None:
        pass


# The quota needs no rights, so there is always one that is really full.
@pytest.fixture(
    params=[Quota, pytest.param(SmallDisk, marks=mounting)], ids=lambda kind: kind.__name__
)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk | Quota]:
    disk = request.param(tmp_path / "disk")
    yield disk
    disk.close()


@pytest.fixture
def full(
    disk: SmallDisk | Quota, start_server: Callable[..., ServerProcess]
) -> Iterator[ServerProcess]:
    server = start_server("--crash_after", "1", data=disk.folder / "data")
    yield server
    if server.process is not None and server.process.poll() is None:
        server.end()


def _check_contents(server: ServerProcess) -> int:
    """Everything that is said to have been uploaded is there, whole; returns how much that is."""
    rows = server.rows("SELECT * FROM blobs WHERE size IS NOT NULL")
    for row in rows:
        content = (server.data / "files" / row["id"][:2] / row["id"]).read_bytes()
        digest = hashlib.md5(content, usedforsecurity=False).digest()
        assert (len(content), base64.b64encode(digest).decode()) == (row["size"], row["md5"])
    assert not list((server.data / "files").glob("upload-*"))
    assert server.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    return len(rows)


def test_requests_get_an_error_that_clients_retry_and_leave_nothing(
    disk: SmallDisk | Quota, full: ServerProcess
) -> None:
    full.graphql('mutation { upsertBucket(input: {name: "r"}) { inserted } }')
    files = full.graphql(
        'mutation { createRunFiles(input: {projectName: "gradsweep", runName: "r",'
        ' files: ["x"]}) { files { uploadUrl } } }'
    )["createRunFiles"]["files"]

    def stream(offset: int) -> requests.Response:
        lines = [json.dumps({"_step": offset, "x": "y" * 5000})]
        body = {"files": {"wandb-history.jsonl": {"offset": offset, "content": lines}}}
        url = f"{full.url}/files/local/gradsweep/r/file_stream"
        return requests.post(url, json=body, auth=("api", full.key), timeout=60)

    def upload() -> requests.Response:
        return requests.put(files[0]["uploadUrl"], data=b"z" * 100_000, timeout=60)

    assert stream(0).ok
    disk.fill(full)
    for _ in range(5):
        replies = [stream(1), stream(2), upload()]
        assert [reply.status_code for reply in replies] == [503] * 3
        assert all("cannot be stored" in reply.json()["error"] for reply in replies)
    assert full.rows("SELECT position FROM lines") == [{"position": 0}]
    assert _check_contents(full) == 0
    assert requests.get(files[0]["uploadUrl"], timeout=10).status_code == 404
    assert full.page("/local/gradsweep/runs/r").ok, "logging in and reading work"
    disk.free(full)
    assert stream(1).ok
    assert upload().ok
    assert [row["position"] for row in full.rows("SELECT position FROM lines")] == [0, 1]
    assert _check_contents(full) == 1
    full.end()
    assert full.output.count("the data cannot be stored: ") == 1, "not once for each request"
    assert full.output.count("can be stored again") == 1
    assert "Traceback" not in full.output


_LOGS = """
import time, wandb
with wandb.init(id="run") as run:
    for epoch in range(60):
        run.log({"epoch": epoch})
        if epoch == 30:
            with open("big.bin", "wb") as file:
                file.write(bytes(range(256)) * 1000)
            run.save("big.bin")
        time.sleep(0.1)
"""


@pytest.mark.slow
@pytest.mark.alone
def test_a_real_run_outlasts_a_full_disk(
    disk: SmallDisk | Quota, full: ServerProcess, tmp_path: Path
) -> None:
    client = Client(full, tmp_path / "client")
    run = client.start(sys.executable, "-c", _LOGS)
    wait_for(lambda: full.rows("SELECT 1 FROM lines WHERE stream = 'history'"), "points arrive")
    disk.fill(full)
    before = len(full.rows("SELECT 1 FROM lines WHERE stream = 'history'"))
    wait_for((client.folder / "big.bin").exists, "the run has gone on meanwhile")
    assert len(full.rows("SELECT 1 FROM lines WHERE stream = 'history'")) == before
    _check_contents(full)
    disk.free(full)
    output, _ = run.communicate(timeout=200)
    assert run.returncode == 0, output
    rows = full.rows("SELECT text FROM lines WHERE stream = 'history' ORDER BY position")
    assert [json.loads(row["text"])["epoch"] for row in rows] == list(range(60))
    assert full.rows("SELECT state FROM runs") == [{"state": "finished"}]
    _check_contents(full)
    sizes = full.rows(
        "SELECT size FROM blobs JOIN run_files ON blob_id = blobs.id WHERE name = 'big.bin'"
    )
    assert sizes == [{"size": 256_000}], output
    client.end()


@mounting
def test_a_server_killed_on_a_full_disk_says_so_and_starts_when_there_is_space(
    tmp_path: Path, start_server: Callable[..., ServerProcess]
) -> None:
    disk = SmallDisk(tmp_path / "disk")
    try:
        server = start_server(data=disk.folder / "data")
        server.graphql('mutation { upsertBucket(input: {name: "r"}) { inserted } }')
        disk.fill(server)
        server.end(signal.SIGKILL)
        again = subprocess.run(
            [sys.executable, "-m", "src.wandb_server", "--port", "0", "--data", str(server.data)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert again.returncode == 2
        assert "make room" in again.stderr
        assert len(again.stderr.splitlines()) == 1
        disk.free(server)
        server.start()
        assert server.rows("SELECT name FROM runs") == [{"name": "r"}]
        assert server.end() == 0
    finally:
        disk.close()
