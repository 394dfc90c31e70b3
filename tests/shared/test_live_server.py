"""Whoever is to get the key proves first that it is the server, and learns nothing by failing."""

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from src.shared import live_server as module
from src.shared.live_server import AnnouncedServer, Listener, announced_server, live_server
from src.shared.socket_owner import socket_owner
from tests.rights import NOBODY, linux_only, root_only
from tests.wandb_server.server_harness import ServerProcess

KEY = "k" * 40
Answer = Callable[[socket.socket, bytes], None]


@contextlib.contextmanager
def impostor(answer: Answer) -> Iterator[tuple[AnnouncedServer, list[bytes]]]:
    """Somebody who answers at a stale address, and all that is sent there."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def listen() -> None:
        with contextlib.suppress(OSError):  # closed, or the other side is gone
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(ConnectionError):
                    heard.append(connection.recv(65536))
                    answer(connection, heard[-1])

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield AnnouncedServer(f"http://127.0.0.1:{port}", KEY), heard
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)


def reply(connection: socket.socket, body: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))


def garbage(connection: socket.socket, request: bytes) -> None:
    connection.sendall(os.urandom(3000))


def endless(connection: socket.socket, request: bytes) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def echo(connection: socket.socket, request: bytes) -> None:
    reply(connection, request.split()[1].rpartition(b"/")[2])


def redirect(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n")


@pytest.mark.parametrize("answer", [garbage, endless, echo, redirect])
def test_an_impostor_is_no_server_and_gets_no_key(answer: Answer) -> None:
    with impostor(answer) as (announced, heard):
        assert announced.listener() is Listener.STRANGER
        assert announced.listener() is Listener.STRANGER
    assert len(heard) == 2
    assert heard[0] != heard[1], "a nonce is used once"
    assert KEY.encode() not in b"".join(heard)


@pytest.mark.parametrize("dribbles", [False, True])
def test_one_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch, dribbles: bool) -> None:
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.5)
    asked = threading.Event()

    def hang(connection: socket.socket, request: bytes) -> None:
        while not asked.wait(0.1):
            if dribbles:
                connection.sendall(b"x")

    with impostor(hang) as (announced, _):
        assert announced.listener() is Listener.SILENT
        asked.set()


def test_one_that_answers_and_keeps_the_connection_has_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.5)
    asked = threading.Event()

    def keep(connection: socket.socket, request: bytes) -> None:
        echo(connection, request)
        asked.wait(30)

    with impostor(keep) as (announced, _):
        assert announced.listener() is Listener.STRANGER
        asked.set()


def test_one_that_hangs_up_has_not_answered() -> None:
    with impostor(lambda *_: None) as (announced, _):
        assert announced.listener() is Listener.SILENT


def test_a_relay_to_the_server_at_another_port_proves_nothing(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    server.start()
    assert live_server(tmp_path) == AnnouncedServer(server.url, server.key)
    host = f"127.0.0.1:{server.port}".encode()

    def relay(connection: socket.socket, request: bytes) -> None:
        own = b"127.0.0.1:%d" % connection.getsockname()[1]
        with socket.create_connection(("127.0.0.1", server.port), 10) as real:
            real.sendall(request.replace(own, host))
            while part := real.recv(4096):
                connection.sendall(part)

    with impostor(relay) as (announced, _):
        at_the_port_of_the_relay = AnnouncedServer(announced.url, server.key)
        assert at_the_port_of_the_relay.listener() is Listener.STRANGER
    assert server.end() == 0
    assert AnnouncedServer(f"http://127.0.0.1:{server.port}", KEY).listener() is Listener.NOBODY


def write(data: Path, url: str = "http://127.0.0.1:9", mode: int = 0o600) -> None:
    file = data / module.RECORD
    file.write_text(json.dumps({"url": url, "api_key": KEY}))
    file.chmod(mode)


def test_a_record_that_others_may_have_written_is_none(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert announced_server(tmp_path) is None
    write(tmp_path)
    assert announced_server(tmp_path) == AnnouncedServer("http://127.0.0.1:9", KEY)
    for url in ("http://example.org:9", "http://127.0.0.1", "http://127.0.0.1:9@x:9", "file:/x"):
        write(tmp_path, url)
        assert announced_server(tmp_path) is None, url
    write(tmp_path, mode=0o620)
    assert announced_server(tmp_path) is None


@root_only
def test_a_record_of_another_user_is_none(tmp_path: Path) -> None:
    write(tmp_path)
    os.chown(tmp_path / module.RECORD, NOBODY, -1)
    assert announced_server(tmp_path) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"url": 3}', '{"url": "x"', "[" * 200_000], ids=len
)
def test_a_broken_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / module.RECORD).write_text(text)
    assert announced_server(tmp_path) is None


def test_a_pipe_in_the_place_of_a_record_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "server.json")
    assert announced_server(tmp_path) is None


@linux_only
def test_the_owner_of_a_socket_is_told_by_linux() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as client:
            for owner in (socket_owner(address), socket_owner(client.getsockname(), address)):
                assert owner == os.geteuid()
    assert socket_owner(address) is None
