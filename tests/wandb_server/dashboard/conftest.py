"""Servers that the dashboard's tests share: they only look, or undo what they change."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wandb_server.dashboard.messy_data import write_messy_data
from tests.wandb_server.server_harness import ServerProcess


@pytest.fixture(scope="session")
def messy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of data that is hard to show."""
    data: Path = tmp_path_factory.mktemp("messy") / "data"
    write_messy_data(data)
    server = ServerProcess(data)
    server.start()
    yield server
    assert server.end() == 0
