"""Backups of the database: when they are made, that they are whole, how many are kept."""

import os
import resource
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from src.wandb_server.store import Store, backups
from src.wandb_server.store.backups import (
    KEPT_DAYS,
    KEPT_MIGRATIONS,
    Why,
    back_up,
    backups_of,
    faults_of,
    is_due,
)
from src.wandb_server.store.errors import DamagedError, NotStoredError, UnusableStoreError
from tests.wandb_server.damage import first_version, zero_page


@pytest.fixture
def database(tmp_path: Path) -> Path:
    Store(tmp_path / "server.db").projects.ensure("local", "p")
    return tmp_path / "server.db"


def named(database: Path, day: int, why: Why, size: int = 0) -> Path:
    """A file with the name of a backup of a day."""
    folder = backups.folder_of(database)
    folder.mkdir(exist_ok=True)
    path = folder / f"2026-01-{day:02}T000000Z-{why}.db"
    path.touch()
    os.truncate(path, size)
    return path


def test_backups_that_are_made_at_once_are_all_made(database: Path) -> None:
    """Its owner's and the server's own, say; each clears away what killed ones have left."""
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: back_up(database, Why.ASKED), range(18)))
    assert not [faults for backup in made for faults in faults_of(backup.path)]
    assert {backup.path for backup in backups_of(database)} == {backup.path for backup in made}


def test_a_backup_has_all_that_was_committed_while_others_write(database: Path) -> None:
    store, ended = Store(database), threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            with store.transaction():  # two by two: no copy has half of a transaction
                store.projects.ensure("local", f"a{number}")
                store.projects.ensure("local", f"b{number}")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copies = []
        for _ in range(3):
            before = len(store.projects.all())
            backup = back_up(database, Why.ASKED)
            copies.append((before, Store(backup.path).projects.all()))
    finally:
        ended.set()
        writer.join()
    for before, projects in copies:
        assert len(projects) >= before
        assert len(projects) % 2 == 1
    assert not [path for path in backup.path.parent.iterdir() if path.name.startswith(".")]


def test_a_backup_is_one_private_file_that_a_killed_ones_leftovers_do_not_hinder(
    database: Path,
) -> None:
    folder = backups.folder_of(database)
    folder.mkdir()
    (folder / ".2026-01-01T000000Z-daily.db").touch()
    (folder / ".2026-01-01T000000Z-daily.db-journal").touch()
    backup = back_up(database, Why.DAILY)
    assert list(folder.iterdir()) == [backup.path]
    assert backup.path.stat().st_mode & 0o777 == 0o600
    assert faults_of(backup.path) == []
    assert list(folder.iterdir()) == [backup.path], "to look at it leaves nothing beside it"


def test_only_the_last_ones_are_kept_but_all_that_were_asked_for(database: Path) -> None:
    for day in range(1, 20):
        for why in Why:
            named(database, day, why)
    back_up(database, Why.DAILY)
    back_up(database, Why.MIGRATION)
    kept = backups_of(database)
    by_why = {why: [backup.made for backup in kept if backup.why is why] for why in Why}
    assert len(by_why[Why.DAILY]) == KEPT_DAYS
    assert len(by_why[Why.MIGRATION]) == KEPT_MIGRATIONS
    assert len(by_why[Why.ASKED]) == 19
    assert min(by_why[Why.DAILY]) == datetime(2026, 1, 14, tzinfo=UTC)


def test_large_ones_are_kept_as_far_as_there_is_room_and_the_newest_ever(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "KEPT_BYTES", 400_000)
    for day in (1, 2, 3):
        named(database, day, Why.DAILY, size=150_000)
    size = back_up(database, Why.DAILY).path.stat().st_size
    assert 100_000 < size < 250_000
    assert [backup.made.day for backup in backups_of(database)][1:] == [3]
    monkeypatch.setattr(backups, "KEPT_BYTES", 1)
    newest = back_up(database, Why.DAILY)
    assert [backup.path for backup in backups_of(database)] == [newest.path]


def test_one_a_day_is_due_if_something_was_stored_since(database: Path) -> None:
    now = datetime.now(UTC)
    Store(database.with_name("new.db"))
    assert not is_due(database.with_name("new.db"), now), "nothing is in it yet"
    assert is_due(database, now), "there is none"
    made = back_up(database, Why.DAILY).made
    back_up(database, Why.ASKED)
    assert not is_due(database, made + timedelta(hours=23))
    later = (made + timedelta(hours=1)).timestamp()
    os.utime(database, (later, later))
    assert not is_due(database, made + timedelta(hours=23))
    assert is_due(database, made + timedelta(hours=25))
    assert is_due(database, made - timedelta(days=3)), "the clock was put right since"


def test_a_damaged_database_is_not_backed_up_and_good_backups_stay(database: Path) -> None:
    good = [back_up(database, Why.DAILY).path]
    good += [named(database, day, Why.DAILY) for day in range(2, 8)]
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    zero_page(database, seed=1)
    with pytest.raises(DamagedError):
        back_up(database, Why.DAILY)
    assert sorted(path for path in backups.folder_of(database).iterdir()) == sorted(good)


def test_before_a_migration_the_database_is_backed_up_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    first_version(path)
    assert [project.name for project in Store(path).projects.all()] == ["old"]
    [backup] = backups_of(path)
    assert backup.why is Why.MIGRATION
    with closing(sqlite3.connect(backup.path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("SELECT name FROM projects").fetchall() == [("old",)]
    Store(path)
    assert backups_of(path) == [backup], "there is nothing more to migrate"


def test_a_database_that_cannot_be_backed_up_is_not_migrated(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    first_version(path)
    backups.folder_of(path).touch()  # as refused as a full disk
    with pytest.raises(UnusableStoreError, match="not changed without a backup"):
        Store(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_damaged_database_is_not_migrated(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    first_version(path)
    zero_page(path, seed=1)
    with pytest.raises(DamagedError, match="Page"):
        Store(path)


def test_a_new_database_needs_no_backup(database: Path) -> None:
    assert not backups.folder_of(database).exists()


def test_a_disk_without_room_takes_no_backup(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limit[1]))
    try:
        with pytest.raises(NotStoredError):
            back_up(database, Why.DAILY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert list(backups.folder_of(database).iterdir()) == []
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    with pytest.raises(NotStoredError, match="has 0 MB of room"):
        back_up(database, Why.DAILY)
