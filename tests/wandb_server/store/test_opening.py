"""Where a database was, none is begun, unless it was never finished."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from src.wandb_server.store import Store
from src.wandb_server.store.backups import Why, back_up
from src.wandb_server.store.errors import StoreError
from src.wandb_server.store.schema import MIGRATIONS


def _empty(database: Path) -> None:
    database.write_bytes(b"")


def _missing(database: Path) -> None:
    database.unlink()
    contents = database.with_name("files") / "ab"
    contents.mkdir(parents=True)
    (contents / "abcd").touch()


def _only_log(database: Path) -> None:
    database.rename(database.with_name("server.db-wal"))


def _only_backups(database: Path) -> None:
    folder = database.with_name("backups")
    back_up(database, Why.DAILY).path.rename(folder / "2026-11-28T000000Z-daily.db")
    for path in database.parent.glob("server.db*"):
        path.unlink()


def _text(database: Path) -> None:
    database.write_text("not a database\n" * 1000)


def _broken_link(database: Path) -> None:
    database.unlink()
    database.symlink_to("elsewhere.db")


def _folder(database: Path) -> None:
    database.unlink()
    database.mkdir()


def _header(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:60])


def _without_tables(database: Path) -> None:
    database.unlink()
    with closing(sqlite3.connect(database)) as db:
        db.execute("VACUUM")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_empty, "the file is empty"),
        (_missing, "the file is missing, while there is .*files"),
        (_only_log, "the file is missing, while there is .*server.db-wal"),
        (_only_backups, "the file is missing, while there is a backup"),
        (_text, "file is not a database"),
        (_broken_link, "a link to elsewhere.db, which is not there"),
        (_folder, "is a folder, not a database"),
        (_header, "malformed"),
        (_without_tables, "there is nothing in it"),
    ],
)
def test_where_a_database_was_none_is_begun(
    database: Path, change: Callable[[Path], None], says: str
) -> None:
    change(database)
    before = sorted(database.parent.rglob("*.db"))
    with pytest.raises(StoreError, match=says):
        Store(database)
    assert sorted(database.parent.rglob("*.db")) == before


def test_a_database_that_a_killed_server_left_half_made_is_begun_anew(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / ".server.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(MIGRATIONS[0])
        db.commit()
        for path in tmp_path.glob(".server.db*"):
            shutil.copy(path, tmp_path / f"{path.name}.kept")
    for path in tmp_path.glob("*.kept"):
        path.rename(path.with_suffix(""))
    assert Store(tmp_path / "server.db").projects.ensure("local", "new")


def test_a_log_that_a_killed_server_left_is_taken_over(database: Path, tmp_path: Path) -> None:
    store = Store(database)
    store.projects.ensure("local", "last")
    killed = tmp_path / "killed"
    killed.mkdir()
    for path in tmp_path.glob("server.db*"):
        shutil.copy(path, killed)
    assert (killed / "server.db-wal").stat().st_size > 0
    assert Store(killed / "server.db").projects.find("local", "last")
