"""The SQLite connection: one writer, any number of readers, replies only after commit.

WAL with ``synchronous=FULL`` syncs the log at every commit, so that what was acknowledged survives
not only a killed process (for which NORMAL would do) but a power cut as well.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from src.wandb_server.store.errors import (
    ConflictError,
    NotStoredError,
    StoreError,
    UnfitError,
    UnusableStoreError,
)
from src.wandb_server.store.schema import MIGRATIONS

Row = sqlite3.Row


class Database:
    """Access to the database file from many threads.

    Args:
        path: The database file; it is created and brought up to the current schema version.

    Raises:
        UnusableStoreError: It is no database, or was written by a newer version of the program.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._owner: int | None = None  # the thread whose transaction is open
        self._local = threading.local()
        try:
            with _translated():
                self._writer = self._connect()
                self._migrate()
        except StoreError as error:
            raise UnusableStoreError(str(error)) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, timeout=30
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    def _migrate(self) -> None:
        version = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise UnusableStoreError(f"{self._path} was written by a newer version of Gradsweep")
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            with self.transaction():
                for statement in script.split(";"):
                    self._writer.execute(statement)
                self._writer.execute(f"PRAGMA user_version={number}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is committed together when the outermost one ends."""
        with self._lock:
            if self._owner == threading.get_ident():
                yield  # inside of another one, which commits
                return
            self._owner = threading.get_ident()
            try:
                with _translated():
                    self._writer.execute("BEGIN IMMEDIATE")
                yield
                with _translated():
                    self._writer.execute("COMMIT")
            except BaseException:
                # A commit that failed (a full disk) leaves its transaction open as well.
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            finally:
                self._owner = None

    def _reader(self) -> sqlite3.Connection:
        # Inside its own transaction a thread must see what it has written.
        if self._owner == threading.get_ident():
            return self._writer
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        return connection

    def all(self, sql: str, *values: Any) -> list[Row]:
        """All rows of a query."""
        with _translated():
            return self._reader().execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> Row | None:
        """The first row of a query, or None."""
        with _translated():
            row: Row | None = self._reader().execute(sql, values).fetchone()
            return row

    def scalar(self, sql: str, *values: Any) -> Any:
        """The first column of the first row; a query that always has one (a count, a maximum)."""
        row = self.one(sql, *values)
        assert row is not None
        return row[0]

    def write(self, sql: str, *values: Any) -> int:
        """Run one writing statement; returns the last inserted row id."""
        with self.transaction(), _translated():
            return self._writer.execute(sql, values).lastrowid or 0

    def write_many(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """Run one writing statement for each row."""
        with self.transaction(), _translated():
            self._writer.executemany(sql, rows)

    def insert(self, table: str, **columns: Any) -> int:
        """Insert one row; returns its id."""
        names = ", ".join(columns)
        marks = ", ".join("?" * len(columns))
        return self.write(f"INSERT INTO {table} ({names}) VALUES ({marks})", *columns.values())

    def update(self, table: str, key: int | str, **columns: Any) -> None:
        """Set columns of the row with this ``id``."""
        if columns:
            names = ", ".join(f"{name} = ?" for name in columns)
            self.write(f"UPDATE {table} SET {names} WHERE id = ?", *columns.values(), key)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise SQLite's errors as the store's own."""
    try:
        yield
    except (OverflowError, UnicodeEncodeError) as error:
        raise UnfitError(f"a value cannot be stored: {error}") from error
    except sqlite3.IntegrityError as error:
        raise ConflictError(str(error)) from error
    except sqlite3.OperationalError as error:
        raise NotStoredError(str(error)) from error
    except sqlite3.DatabaseError as error:
        raise UnusableStoreError(str(error)) from error
