"""Databases that are really damaged are found, and never written to."""

import contextlib
import gc
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from src.wandb_server.store import Store
from src.wandb_server.store.checks import check
from src.wandb_server.store.connection import translated
from src.wandb_server.store.errors import DamagedError, NotStoredError
from tests.wandb_server.damage import PAGE, flip_bits, truncate, zero_page

SEEDS = range(12)


def found(database: Path) -> bool:
    """Whether SQLite itself finds anything wrong."""
    try:
        with closing(sqlite3.connect(database)) as db:
            return db.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
    except sqlite3.DatabaseError:
        return True


def read_all(store: Store) -> None:
    """Read everything that can be read."""
    for project in store.projects.all():
        for run in store.runs.of_project(project.id):
            for stream in ("history", "events", "log"):
                store.runs.lines(run.id, stream)
            store.files.run_files(run.id)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("damage", [flip_bits, zero_page, truncate])
def test_a_damaged_file_is_never_served_as_good_nor_written_to(
    database: Path, damage: Callable[[Path, int], None], seed: int
) -> None:
    while not found(database):  # at first it may have met a value's bits only, or what is free
        damage(database, seed)
        seed += len(SEEDS)
    report = check(database, database.with_name("files"))
    assert report.structure, "the check of everything finds it"
    before = database.read_bytes()
    try:
        store = Store(database)
    except DamagedError:
        assert database.read_bytes() == before
        return
    if store.health.damage is None:  # an index, which the quick check does not compare
        store.health.damaged(report.structure[0])
    assert store.health.damage is not None
    assert str(database) in store.health.damage
    with pytest.raises(DamagedError, match="is damaged"):
        store.projects.ensure("local", "new")
    with contextlib.suppress(DamagedError):
        read_all(store)
    del store
    gc.collect()
    assert database.read_bytes() == before


def test_damage_that_is_met_while_serving_ends_all_writing(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(database)
    project = store.projects.ensure("local", "gradsweep")
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'runs'"
        root = db.execute(query).fetchone()[0]
    with database.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(bytes(PAGE))
    with pytest.raises(DamagedError, match="is damaged"):
        store.runs.get(1)
    with pytest.raises(DamagedError):
        store.projects.ensure("local", "new")
    assert store.projects.find("local", "gradsweep") == project, "what can be read is"
    [line] = caplog.messages
    assert f"{database} is damaged (database disk image is malformed)" in line
    assert "there is no good backup of it; python -m src.wandb_server check" in line


def test_a_damaged_page_costs_the_runs_on_it(tmp_path: Path) -> None:
    database = tmp_path / "server.db"
    store = Store(database)
    project = store.projects.ensure("local", "p")
    for number in range(40):
        notes = f"note {number:02} " + "x" * 900
        store.runs.create(project.id, f"run{number}", state="finished", notes=notes)
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = database.read_bytes()
    page = content.index(b"note 20") // PAGE
    with database.open("r+b") as file:
        file.seek(page * PAGE)
        file.write(bytes(PAGE))
    read = {run.name for run in Store(database).runs.of_project(project.id)}
    assert "run20" not in read
    assert 34 <= len(read) < 40


def test_a_column_whose_name_is_damaged_is_missing(database: Path) -> None:
    content = database.read_bytes()
    assert content.count(b"  display_name TEXT NOT NULL,") == 1
    database.write_bytes(content.replace(b"  display_name TEXT NOT", b"  display_oame TEXT NOT"))
    health = Store(database).health
    assert health.damage is not None
    assert "(the column runs.display_name is missing)" in health.damage


def test_a_disk_that_does_not_give_a_page_back_is_damage() -> None:
    def fails(name: str) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = name
        with translated():
            raise error

    with pytest.raises(DamagedError):
        fails("SQLITE_IOERR_READ")
    with pytest.raises(NotStoredError):
        fails("SQLITE_IOERR_WRITE")
