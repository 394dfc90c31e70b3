"""The check of everything lists what is lost, and nothing else."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from src.wandb_server.store import Store
from src.wandb_server.store.blobs import BlobStorage
from src.wandb_server.store.checks import check, structure
from src.wandb_server.store.connection import reader
from src.wandb_server.store.schema import MIGRATIONS
from tests.wandb_server.damage import zero_page
from tests.wandb_server.test_recorded_data import RECORDED


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


def test_rows_and_files_that_are_lost_are_listed_one_by_one(database: Path) -> None:
    files = shutil.copytree(RECORDED / "files", database.with_name("files"))
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


def test_a_file_that_a_run_has_sent_again_is_not_lost(database: Path) -> None:
    """While it is checked, or after the backup that was put in place."""
    files = shutil.copytree(RECORDED / "files", database.with_name("files"))
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
    database = Path(shutil.copy(RECORDED / "server.db", tmp_path / "server.db"))
    report = check(database, RECORDED / "files")
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
