"""Where a server was, somebody else may listen: whoever that is never gets the API key."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from src.shared.errors import UserError
from src.shared.live_server import AnnouncedServer, Listener, live_server
from src.shared.paths import ROOT
from src.sweeps.servers import EmbeddedServer, PortTakenError
from tests.checkout import copy_checkout, printed_until
from tests.impostor import impostor
from tests.rights import root_only
from tests.wandb_server.server_harness import ServerProcess


def killed_server(data: Path) -> ServerProcess:
    """A server of a folder that has left its address there."""
    server = ServerProcess(data)
    server.start()
    server.end(signal.SIGKILL)
    assert server.record
    return server


@contextlib.contextmanager
def embedded(data: Path) -> Iterator[EmbeddedServer]:
    """A sweep's server, without what it leaves in this process's environment."""
    with mock.patch.dict(os.environ):
        server = EmbeddedServer(data)
        try:
            yield server
        finally:
            server.close()


def test_a_sweep_goes_on_without_telling_the_key_to_whoever_listens_there(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path)
    stale = killed_server(tmp_path / ".gradsweep" / "server")
    with impostor(stale.port) as stranger:
        command = (sys.executable, "run_sweep.py", "--create_only", "--server", "local")
        config = ("--config", "config/sweeps/synthetic_mlp.yaml")
        sweep = checkout.start(*command, *config)
        printed = printed_until(sweep, "Ctrl-C ends it")
        sweep.send_signal(signal.SIGINT)
        printed += sweep.communicate(timeout=60)[0]
        heard = stranger.heard()
    assert sweep.returncode == 0, printed
    assert f"what listens at http://127.0.0.1:{stale.port} is not it any more" in printed
    assert f"export WANDB_API_KEY={stale.key}" in printed
    assert f"export WANDB_BASE_URL=http://127.0.0.1:{stale.port}\n" not in printed
    assert stale.key.encode() not in heard
    assert b"authorization" not in heard.lower()


@root_only
def test_another_users_program_is_a_stranger_before_it_is_sent_anything() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = AnnouncedServer(f"http://127.0.0.1:{port}", "k" * 40)
    with impostor(port) as stranger:
        assert server.listener() is Listener.STRANGER
        assert stranger.heard() == b""


def test_the_port_of_a_server_that_dies_is_nobody_elses(tmp_path: Path) -> None:
    with embedded(tmp_path) as server:
        before = live_server(tmp_path)
        assert before
        server._process.kill()  # type: ignore[union-attr]
        server._process.wait()  # type: ignore[union-attr]
        with socket.socket() as another:
            assert another.connect_ex(("127.0.0.1", before.port)) == 0, "clients wait there"
        [note] = server.tend()
        assert "the embedded server died (exit code -9) and was started again" in note
        assert live_server(tmp_path) == before
        assert server.tend() == []
    assert live_server(tmp_path) is None


def test_a_server_that_others_started_is_started_again_where_it_was(tmp_path: Path) -> None:
    other = ServerProcess(tmp_path)
    other.start()
    with embedded(tmp_path) as server:
        notes = server.tend()
        assert notes == []
        other.end(signal.SIGKILL)
        notes = server.tend()
        assert "the embedded server ended and was started again" in notes[0]
        assert server._process
        assert live_server(tmp_path) == server._server


def test_one_who_takes_its_port_first_ends_the_sweep(tmp_path: Path) -> None:
    other = ServerProcess(tmp_path)
    other.start()
    with embedded(tmp_path) as server:
        other.end(signal.SIGKILL)
        with impostor(other.port) as stranger:
            with pytest.raises(PortTakenError, match="may have been sent the API key"):
                server.tend()
            assert other.key.encode() not in stranger.heard()


def test_a_server_that_does_not_start_says_where_its_log_is(tmp_path: Path) -> None:
    (tmp_path / "server.db").mkdir()
    with pytest.raises(
        UserError, match=r"did not start: --data .*; name .*; its log: .*/server\.log"
    ):
        EmbeddedServer(tmp_path)


def test_two_sweeps_that_begin_at_once_share_a_server(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from src.sweeps.servers import EmbeddedServer\n"
        "server = EmbeddedServer(Path(sys.argv[1]))\n"
        "print(server.url, server.started_here, flush=True)\n"
        "sys.stdin.read()\nserver.close()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    pipe = subprocess.PIPE
    begun = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) for _ in range(2)]
    said = [one.stdout.readline().split() for one in begun if one.stdout]
    for one in begun:
        one.communicate()
    assert said[0][0] == said[1][0], said
    assert {words[1] for words in said} == {b"True", b"False"}


def test_a_server_that_is_frozen_is_ended_with_its_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.sweeps.servers._END_SECONDS", 1)
    with embedded(tmp_path / "data") as server:
        announced = live_server(tmp_path / "data")
        assert announced
        assert server._process
        server._process.send_signal(signal.SIGSTOP)
    assert announced.listener() is Listener.NOBODY
