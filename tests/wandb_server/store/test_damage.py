"""Databases that are really damaged: found, and never written to."""

import contextlib
import gc
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from src.wandb_server.store import Store
from src.wandb_server.store.backups import Why, back_up
from src.wandb_server.store.blobs import BlobStorage
from src.wandb_server.store.checks import check, structure
from src.wandb_server.store.connection import reader, translated
from src.wandb_server.store.errors import DamagedError, NotStoredError, StoreError
from src.wandb_server.store.health import Health
from src.wandb_server.store.schema import MIGRATIONS
from tests.wandb_server.damage import PAGE, flip_bits, truncate, zero_page

RECORDED = Path(__file__).parent.parent / "recorded_data" / "server.db"
SEEDS = range(12)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good database of the current version, in one file."""
    path = tmp_path_factory.mktemp("whole") / "server.db"
    shutil.copy(RECORDED, path)
    Store(path)
    gc.collect()  # a connection and its cache of statements hold each other
    assert [found.name for found in path.parent.glob("*.db*")] == [path.name]
    return path


@pytest.fixture
def database(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "server.db"))


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
    damage(database, seed)
    if not found(database):
        return  # bits of a value, or of what is free
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


def delete(database: Path) -> None:
    for path in database.parent.glob("server.db*"):
        path.unlink()


def empty(database: Path) -> None:
    database.write_bytes(b"")


def replace(database: Path) -> None:
    shutil.copy(RECORDED, database.with_name("copy"))
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


def test_nobody_else_waits_while_the_backups_are_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, end = threading.Event(), threading.Event()

    def cure(database: Path) -> str:
        begun.set()
        assert end.wait(60)
        return "the cure"

    monkeypatch.setattr("src.wandb_server.store.health.cure", cure)
    health = Health(tmp_path / "server.db")
    first = threading.Thread(target=health.damaged, args=("a page",))
    first.start()
    assert begun.wait(60)
    told = health.damage
    end.set()
    first.join()
    assert told is not None
    assert told.endswith("is damaged (a page): what can be read is served, and nothing is stored")
    assert health.damaged("another page") == health.damage == f"{told}; the cure"


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


def test_an_index_that_lacks_rows_is_found_by_the_check_of_everything(database: Path) -> None:
    with closing(sqlite3.connect(database)) as db:
        [sql] = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'runs_by_state'").fetchone()
        db.executescript(
            "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = sql || ' WHERE id < 3'"
            " WHERE name = 'runs_by_state';"
        )
        db.commit()
    with closing(sqlite3.connect(database)) as db:
        db.execute("REINDEX runs_by_state")
        db.executescript(
            f"PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = '{sql}'"
            " WHERE name = 'runs_by_state';"
        )
        db.commit()
    assert Store(database).health.damage is None
    report = check(database, database.with_name("files"))
    assert "index runs_by_state" in report.structure[0]


def test_a_column_whose_name_is_damaged_is_missing(database: Path) -> None:
    content = database.read_bytes()
    assert content.count(b"  display_name TEXT NOT NULL,") == 1
    database.write_bytes(content.replace(b"  display_name TEXT NOT", b"  display_oame TEXT NOT"))
    health = Store(database).health
    assert health.damage is not None
    assert "(the column runs.display_name is missing)" in health.damage


def test_rows_and_files_that_are_lost_are_listed_one_by_one(database: Path) -> None:
    files = shutil.copytree(RECORDED.parent / "files", database.with_name("files"))
    lost_before = check(database, files).losses  # of the recorded folder only some files were kept
    store = Store(database)
    [project] = store.projects.all()
    run = store.runs.of_project(project.id)[-1]
    [file] = store.files.run_files(run.id, "wandb-metadata.json")
    (files / file.blob_id[:2] / file.blob_id).unlink()
    with closing(sqlite3.connect(database)) as db:
        for change in (
            "UPDATE runs SET config = substr(config, 1, 20) WHERE name = 'syopd211'",
            f"UPDATE lines SET text = '[1' WHERE run_id = {run.id} AND stream = 'history'"
            " AND position = 1",
            "UPDATE sweeps SET config = '{a: ['",
            "DELETE FROM projects",
        ):
            db.execute(change)
        db.commit()
    report = check(database, files)
    assert report.structure == []
    lost = [line for line in report.losses if line not in lost_before]
    for part in (
        "config of runs syopd211 (row 1) is damaged",
        f"line 1 of the history of run {run.name} is damaged",
        "config of sweeps y7prqc13 (row 1) is damaged",
        "row 1 of runs belongs to a row of projects that is not there",
        f"the stored file of run {run.name}: wandb-metadata.json cannot be read: No such",
    ):
        assert any(part in line for line in lost), part


@pytest.mark.parametrize("text", ['{"confia": {"x": 1}, "summary": {}}', '{"config": {"x": 1}}'])
def test_what_a_fork_has_inherited_is_its_parents_config_and_summary_alone(
    database: Path, text: str
) -> None:
    store = Store(database)
    [project] = store.projects.all()
    run = store.runs.create(project.id, "fork", state="finished", summary={"y": 2})
    with closing(sqlite3.connect(database)) as db:
        db.execute("UPDATE runs SET inherited = ? WHERE id = ?", [text, run.id])
        db.commit()
    [fork] = [run for run in store.runs.of_project(project.id) if run.name == "fork"]
    assert (fork.unreadable, fork.summary) == (("inherited",), {"y": 2})


def test_a_file_that_a_run_has_sent_again_is_not_lost(database: Path) -> None:
    """While it is checked, or after the backup that was put in place."""
    files = shutil.copytree(RECORDED.parent / "files", database.with_name("files"))
    lost_before = check(database, files).losses
    store = Store(database)
    [project] = store.projects.all()
    run = store.runs.of_project(project.id)[-1]
    [file] = store.files.run_files(run.id, "wandb-metadata.json")
    blobs = BlobStorage(files, "key")
    blobs.write(file.blob_id, b"{}")
    assert check(database, files).losses == lost_before
    os.utime(blobs.path(file.blob_id), (0, 0))
    assert len(check(database, files).losses) == len(lost_before) + 1, "it was cut off in place"


def test_a_database_of_an_earlier_version_is_checked_as_what_it_is(tmp_path: Path) -> None:
    """By hand, before a server of today has changed its tables."""
    database = Path(shutil.copy(RECORDED, tmp_path / "server.db"))
    report = check(database, RECORDED.parent / "files")
    assert report.structure == []
    assert report.looked_at["runs"] == 5
    assert all(line.startswith("the stored file of ") for line in report.losses)


def test_a_check_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    database = tmp_path / "large.db"
    with closing(sqlite3.connect(database)) as db:
        db.executescript(MIGRATIONS[0])
        rows = ((f"n{i}", bytes(9000)) for i in range(8000))
        db.executemany(
            "INSERT INTO projects (entity, name, description, created_at) VALUES ('x', ?, ?, '')",
            rows,
        )
        db.commit()
    zero_page(database, seed=1)
    with closing(reader(database)) as db:
        # How far it comes within a time is the machine's affair: some of these are too short.
        found = [structure(db, seconds) for seconds in (0.03, 0.02, 0.01, 0.005, 0.003) * 4]
        assert [] in found, "what was not looked at counts as good"
        assert structure(db) != []


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
