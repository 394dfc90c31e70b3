"""Transactions and migrations of the store's database."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from src.shared.paths import ROOT
from src.wandb_server.store import Store
from src.wandb_server.store.database import Database
from src.wandb_server.store.schema import MIGRATIONS


def test_data_of_the_first_version_are_carried_over(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    old = sqlite3.connect(path)
    old.executescript(MIGRATIONS[0])
    old.executescript(
        """
        INSERT INTO projects VALUES (1, 'local', 'p', NULL, '2026-01-01T00:00:00Z');
        INSERT INTO collections VALUES (1, 1, 'ArtifactSequence', 'model', 'm', NULL, 'a', 'a');
        INSERT INTO artifacts (id, collection_id, state, digest, created_at, updated_at)
          VALUES (1, 1, 'COMMITTED', 'd', 'a', 'a');
        INSERT INTO blobs VALUES ('b', 'md5', 3, 'md5', 'a');
        INSERT INTO artifact_files VALUES (1, 'x.txt', 'b');
        PRAGMA user_version = 1;
        """
    )
    old.close()
    store = Store(path)
    (file,) = store.contents.files(1)
    assert (file.name, file.blob_id, file.size, file.reference) == ("x.txt", "b", 3, None)
    assert Database(path).scalar("PRAGMA user_version") == len(MIGRATIONS)


# Makes a part of a new database, and is killed.
KILLED = """
import os, sys
from pathlib import Path
from src.wandb_server.store.connection import writer
from src.wandb_server.store.schema import MIGRATIONS
new = writer(Path(sys.argv[1]))
for statement in MIGRATIONS[0].split(";"):
    new.execute(statement)
os._exit(0)
"""


def test_a_first_start_that_was_killed_is_begun_anew(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / ".server.db")]
    subprocess.run(command, cwd=ROOT, check=True)
    assert (tmp_path / ".server.db-wal").stat().st_size
    database = Database(tmp_path / "server.db")
    assert database.scalar("PRAGMA user_version") == len(MIGRATIONS)
    assert database.scalar("PRAGMA integrity_check") == "ok"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_failed_transaction_leaves_nothing_and_inner_ones_commit_with_the_outer(
    tmp_path: Path,
) -> None:
    database = Database(tmp_path / "server.db")
    other = sqlite3.connect(tmp_path / "server.db")

    def seen() -> list[str]:
        return [row[0] for row in other.execute("SELECT name FROM projects ORDER BY id")]

    def add(name: str) -> None:
        database.insert("projects", entity="local", name=name, created_at="now")

    def fail_halfway() -> None:
        with database.transaction():
            add("lost")
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        fail_halfway()
    assert seen() == []
    with database.transaction():
        with database.transaction():
            add("kept")
        assert seen() == [], "nothing is visible before the outer transaction ends"
        assert database.scalar("SELECT count(*) FROM projects") == 1, "but to its own thread"
    assert seen() == ["kept"]


def test_commits_are_synced_to_disk(tmp_path: Path) -> None:
    database = Database(tmp_path / "server.db")
    assert database.scalar("PRAGMA journal_mode") == "wal"
    assert database.scalar("PRAGMA synchronous") == 2  # FULL
