"""A good database, for tests that spoil their copy of it."""

import gc
import shutil
from pathlib import Path

import pytest

from src.wandb_server.store import Store
from tests.wandb_server.test_recorded_data import RECORDED


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good database of the current version, in one file."""
    path = tmp_path_factory.mktemp("whole") / "server.db"
    shutil.copy(RECORDED / "server.db", path)
    Store(path)
    gc.collect()  # a connection and its cache of statements hold each other
    assert [found.name for found in path.parent.glob("*.db*")] == [path.name]
    return path


@pytest.fixture
def database(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "server.db"))
