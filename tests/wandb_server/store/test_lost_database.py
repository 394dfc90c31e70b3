"""A database that is deleted, emptied or replaced while it is served takes no more data."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from src.wandb_server.store import Store
from src.wandb_server.store.errors import DamagedError
from tests.wandb_server.test_recorded_data import RECORDED


def delete(database: Path) -> None:
    for path in database.parent.glob("server.db*"):
        path.unlink()


def empty(database: Path) -> None:
    database.write_bytes(b"")


def replace(database: Path) -> None:
    shutil.copy(RECORDED / "server.db", database.with_name("copy"))
    database.with_name("copy").rename(database)


def replace_by_another_programs(database: Path) -> None:
    with closing(sqlite3.connect(database.with_name("copy"))) as db:
        db.execute("CREATE TABLE x (y)")
    database.with_name("copy").rename(database)


@pytest.mark.parametrize("lose", [delete, empty, replace, replace_by_another_programs])
def test_nothing_is_acknowledged_that_goes_to_a_file_that_is_not_there(
    database: Path, lose: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(database)
    store.projects.ensure("local", "before")
    lose(database)
    with pytest.raises(DamagedError, match="deleted, emptied or replaced while it was served"):
        store.projects.ensure("local", "after")
    [line] = caplog.messages
    assert f"{database} is damaged (it has been" in line


def test_a_file_that_is_lost_within_a_transaction_has_stored_none_of_it(database: Path) -> None:
    store = Store(database)

    def lose() -> None:
        with store.transaction():
            store.projects.ensure("local", "new")
            delete(database)

    with pytest.raises(DamagedError, match="while it was served"):
        lose()


def test_reading_what_is_gone_is_not_taken_for_a_full_disk(database: Path) -> None:
    store = Store(database)
    delete(database)
    with pytest.raises(DamagedError, match="while it was served"):
        store.projects.find("local", "gradsweep")
