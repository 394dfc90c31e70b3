"""Connections to the database file, and SQLite's errors as the store's own."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.wandb_server.store.errors import (
    ConflictError,
    DamagedError,
    NotStoredError,
    UnfitError,
    UnusableStoreError,
)

Row = sqlite3.Row

# Errors that say that the file is not as SQLite wrote it, or that its disk does not give it back.
_DAMAGE = (
    "SQLITE_CORRUPT",
    "SQLITE_NOTADB",
    "SQLITE_IOERR_READ",
    "SQLITE_IOERR_SHORT_READ",
    "SQLITE_IOERR_CORRUPTFS",
    "SQLITE_IOERR_DATA",
)


def log_of(path: Path) -> Path:
    """Where SQLite keeps what is not in a database file yet."""
    return path.with_name(f"{path.name}-wal")


def files_of(path: Path) -> list[Path]:
    """A database file, its log, and the index of that, be they there or not."""
    return [path, log_of(path), path.with_name(f"{path.name}-shm")]


def writer(path: Path) -> sqlite3.Connection:
    """A connection that may write; what it commits is on the disk (see the store's database)."""
    connection = _connected(str(path))
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, nor make a file that is not there."""
    return _connected(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def _connected(name: str, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name, isolation_level=None, check_same_thread=False, timeout=30, uri=uri
    )
    connection.row_factory = sqlite3.Row
    # A text with a damaged byte is read with a sign in its place, instead of not at all.
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    return connection


@contextmanager
def translated() -> Iterator[None]:
    """Raise SQLite's errors as the store's own."""
    try:
        yield
    except (OverflowError, UnicodeEncodeError) as error:
        raise UnfitError(f"a value cannot be stored: {error}") from error
    except sqlite3.IntegrityError as error:
        raise ConflictError(str(error)) from error
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorname", "").startswith(_DAMAGE):
            raise DamagedError(str(error)) from error
        if isinstance(error, sqlite3.OperationalError):
            raise NotStoredError(str(error)) from error
        raise UnusableStoreError(str(error)) from error
