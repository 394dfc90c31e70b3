"""Database files of another version, and real damage, always the same for the same seed."""

import contextlib
import gc
import hashlib
import random
import shutil
import sqlite3
from pathlib import Path

from src.wandb_server.store import Store
from src.wandb_server.store.schema import MIGRATIONS
from tests.wandb_server.test_recorded_data import copied

PAGE = 4096


def flip_bits(file: Path, seed: int, count: int = 8) -> None:
    """Flip single bits, anywhere behind the file's header."""
    chance = random.Random(seed)
    content = bytearray(file.read_bytes())
    for _ in range(count):
        content[chance.randrange(100, len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)


def zero_page(file: Path, seed: int) -> None:
    """Make all of one page zero, but not of the first, which has the schema."""
    content = bytearray(file.read_bytes())
    page = random.Random(seed).randrange(1, len(content) // PAGE)
    content[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)
    file.write_bytes(content)


def truncate(file: Path, seed: int) -> None:
    """Cut the file off somewhere."""
    content = file.read_bytes()
    file.write_bytes(content[: random.Random(seed).randrange(PAGE, len(content) - 1)])


def destroy_table(database: Path, table: str) -> None:
    """Make the first page of a table zero, in the file and not only in its log."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        query = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
        [root] = db.execute(query, (table,)).fetchone()
    with database.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(bytes(PAGE))


def of_today(folder: Path) -> Path:
    """The recorded data, brought up to the version of today."""
    data = copied(folder)
    Store(data / "server.db")
    gc.collect()  # a connection and its cache of statements hold each other
    shutil.rmtree(data / "backups")
    return data


def first_version(database: Path) -> None:
    """Make a database of the first version, with the project ``old``."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(MIGRATIONS[0])
        db.execute("INSERT INTO projects VALUES (1, 'local', 'old', NULL, '2026-01-01T00:00:00Z')")
        db.execute("PRAGMA user_version=1")
        db.commit()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
