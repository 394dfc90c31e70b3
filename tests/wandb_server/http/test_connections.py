"""Connections that only wait are closed, keep nobody out, and cost the real client nothing."""

import contextlib
import http.client
import json
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from benchmarks.hoarder import hoarded
from tests.rights import linux_only, root_only
from tests.wandb_server.server_harness import Client, ServerProcess, wait_for

CROWD = 1500  # more than the 1,024 files that most systems let a process open
VIEWER = {"query": "query { viewer { username } }"}
# The server as it is, but for how long it waits.
HASTY = """
import runpy, sys
from src.wandb_server.http import connections
connections.HEAD_SECONDS, connections.BODY_SECONDS = 1.5, 2.0
connections.KEEP_ALIVE_SECONDS = 0.3
runpy.run_module("src.wandb_server", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def usual_limit() -> Iterator[None]:
    """As many files to a process as most systems allow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("hasty"))
    server.program = ("-c", HASTY)
    server.start()
    yield server
    assert server.end() == 0
    assert server.missing_fields() == []


def answered(server: ServerProcess) -> bool:
    """Whether the owner's request is answered."""
    auth = ("api", server.key)
    return requests.post(f"{server.url}/graphql", json=VIEWER, auth=auth, timeout=20).ok


def held(server: ServerProcess) -> int:
    assert server.process
    found = psutil.Process(server.process.pid).net_connections()
    return sum(one.status == psutil.CONN_ESTABLISHED for one in found)


@pytest.mark.parametrize("as_stranger", [True, False])
def test_a_crowd_that_only_waits_keeps_the_owner_from_nothing(
    usual_limit: None, server: ServerProcess, as_stranger: bool
) -> None:
    kept = requests.Session()
    assert kept.get(f"{server.url}/healthz", timeout=20).ok
    with hoarded(server.port, CROWD, as_stranger=as_stranger):
        for _ in range(50):
            assert answered(server)
        assert held(server) <= 512
        assert kept.get(f"{server.url}/healthz", timeout=20).ok
    wait_for(lambda: held(server) < 5, "the crowd is gone")
    assert answered(server)
    assert server.end() == 0
    told = [line for line in server.output.splitlines() if "connections" in line]
    assert len(told) == 2, server.output
    assert "connections are open, as many as are kept" in told[0]
    assert "there is room for connections again" in told[1]
    assert "Traceback" not in server.output
    assert "out of system resource" not in server.output


@linux_only
@root_only
def test_another_users_crowd_takes_no_place_of_the_owners(
    usual_limit: None, server: ServerProcess
) -> None:
    """A hundred connections that the owner keeps are there afterwards."""

    def ask(connection: http.client.HTTPConnection) -> None:
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status":"ok"}'

    own = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=30) for _ in range(100)]
    for connection in own:
        ask(connection)  # from now on it may be idle for longer than the crowd takes to come
    with hoarded(server.port, CROWD):
        wait_for(lambda: held(server) == 384 + 100, "the crowd has what it gets")
        for connection in own:
            ask(connection)
            connection.close()


def closed_after(connection: socket.socket) -> float:
    """How long the server waits until it closes."""
    begin = time.monotonic()
    connection.settimeout(30)
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(4096):
            pass
    return time.monotonic() - begin


def dribbled(connection: socket.socket, what: bytes) -> int:
    """Send a byte at a time; how many the server took until it closed."""
    connection.settimeout(0.05)
    for sent in range(600):
        time.sleep(0.05)
        with contextlib.suppress(TimeoutError):
            try:
                connection.sendall(what)
                if not connection.recv(4096):
                    return sent
            except ConnectionError:
                return sent
    return 600


def connected(server: ServerProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), 30)


def test_a_request_whose_head_does_not_come_is_not_waited_for(hasty: ServerProcess) -> None:
    with connected(hasty) as silent, connected(hasty) as half, connected(hasty) as slow:
        half.sendall(b"GET / HTTP/1.1\r\nHost: x")
        assert closed_after(silent) < 20
        assert closed_after(half) < 20
        assert dribbled(slow, b"a") < 200
    assert answered(hasty)


def test_a_body_that_does_not_come_is_not_waited_for(hasty: ServerProcess) -> None:
    auth = requests.auth._basic_auth_str("api", hasty.key)
    for key in (auth, "Bearer wrong"):  # one is answered when all is there, one before
        head = f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{hasty.port}\r\nAuthorization: {key}\r\n"
        with connected(hasty) as silent, connected(hasty) as slow:
            for connection in (silent, slow):
                connection.sendall(head.encode() + b"Content-Length: 9000\r\n\r\n")
            assert closed_after(silent) < 20
            assert dribbled(slow, b" ") < 200
    assert answered(hasty)


def test_a_body_is_not_waited_for_behind_another_request_either(hasty: ServerProcess) -> None:
    """Both heads come at once, so nothing arrives after the first answer."""
    host = f"HTTP/1.1\r\nHost: 127.0.0.1:{hasty.port}\r\n"
    with connected(hasty) as both:
        post = f"POST /login {host}Content-Length: 90\r\n\r\n"
        both.sendall(f"GET /healthz {host}\r\n{post}".encode())
        assert closed_after(both) < 20


def test_a_slow_body_that_does_come_is_taken(hasty: ServerProcess) -> None:
    """Slower than a head may be in all, but with something in every while."""
    body = json.dumps(VIEWER).encode() + b" " * 20_000

    def parts() -> Iterator[bytes]:
        for at in range(0, len(body), 2000):
            time.sleep(0.3)
            yield body[at : at + 2000]

    auth = ("api", hasty.key)
    reply = requests.post(f"{hasty.url}/graphql", data=parts(), auth=auth, timeout=60)
    assert reply.json()["data"]["viewer"]["username"] == "local"


@pytest.mark.slow
def test_the_real_client_loses_nothing_when_its_idle_connections_are_closed(
    hasty: ServerProcess, tmp_path: Path
) -> None:
    client = Client(hasty, tmp_path / "client")
    client.python(
        "import time, wandb\n"
        "with wandb.init(id='idle') as run:\n"
        "    for step in range(8):\n"
        "        run.log({'x': step})\n"
        "        time.sleep(0.8)\n"
        "    open('kept.txt', 'w').write('x' * 200_000)\n"
        "    run.save('kept.txt')\n"
        "api = wandb.Api()\n"
        "for _ in range(3):\n"
        "    time.sleep(0.7)\n"
        "    run = api.run('local/gradsweep/idle')\n"
        "assert [row['x'] for row in run.scan_history()] == list(range(8))\n"
        "assert run.state == 'finished', run.state\n"
        "assert run.file('kept.txt').size == 200_000\n"
    )
