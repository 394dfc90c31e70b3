"""A real server in a process of its own, and real wandb clients in theirs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.wandb_server.scheduling.scheduler_world import World
from tests.wandb_server.server_harness import Client, ServerProcess


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers; afterwards asserts that no client asked any for an unknown field."""
    servers: list[ServerProcess] = []

    def start(*options: str, data: Path | None = None) -> ServerProcess:
        server = ServerProcess(data or tmp_path / "data", *options)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        if server.process is not None and server.process.poll() is None:
            assert server.end() == 0
        assert server.missing_fields() == []


@pytest.fixture
def server(start_server: Callable[..., ServerProcess]) -> ServerProcess:
    return start_server()


@pytest.fixture(scope="module")
def module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One for all tests of a module, which says so by a fixture ``server`` of its own."""
    server = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    server.start()
    yield server
    assert server.end() == 0
    assert server.missing_fields() == []


@pytest.fixture
def client(server: ServerProcess, tmp_path: Path) -> Iterator[Client]:
    client = Client(server, tmp_path / "client")
    yield client
    client.end()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
