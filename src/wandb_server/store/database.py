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

from src.wandb_server.store.connection import Row, reader, translated
from src.wandb_server.store.errors import (
    DamagedError,
    NotStoredError,
    StoreError,
    UnusableStoreError,
)
from src.wandb_server.store.health import Health
from src.wandb_server.store.opening import opened


class Database:
    """Access to the database file from many threads.

    Args:
        path: The database file; it is created and brought up to the current schema version.

    Attributes:
        health: Whether the file is whole; while it is not, nothing is written.

    Raises:
        DamagedError: Nothing can be read of it, or it is gone.
        UnusableStoreError: It is no database of ours, was written by a newer version of the
            program, or cannot be made or changed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.health = Health(path)
        self._lock = threading.RLock()
        self._owner: int | None = None  # the thread whose transaction is open
        self._local = threading.local()
        try:
            with translated():
                self._writer = opened(path, self.health)
        except DamagedError:
            raise
        except StoreError as error:
            raise UnusableStoreError(str(error)) from error
        self._inode = path.stat().st_ino

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is committed together when the outermost one ends.

        Raises:
            DamagedError: The database is known to be damaged.
        """
        self.check_writable()
        with self._lock:
            if self._owner == threading.get_ident():
                yield  # inside of another one, which commits
                return
            self._owner = threading.get_ident()
            try:
                with self._translated():
                    self._writer.execute("BEGIN IMMEDIATE")
                yield
                self.check_writable()  # another thread may have met damage meanwhile
                with self._translated():
                    self._writer.execute("COMMIT")
            except BaseException:
                # A commit that failed (a full disk) leaves its transaction open as well.
                if self._writer.in_transaction:
                    with self._translated():
                        self._writer.execute("ROLLBACK")
                raise
            finally:
                self._owner = None

    def check_writable(self) -> None:
        """Refuse to change anything if the database is known to be damaged, or is not there.

        SQLite would go on writing to a file that has been deleted, and say that it is stored.

        Raises:
            DamagedError: It is, or is not.
        """
        if not self.health.damage and not self._in_place():
            self.health.damaged("it has been deleted, emptied or replaced while it was served")
        if self.health.damage:
            raise DamagedError(self.health.damage)

    def _in_place(self) -> bool:
        try:
            file = self._path.stat()
        except OSError:
            return False
        return file.st_ino == self._inode and file.st_size > 0

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise SQLite's errors as the store's own, and note damage."""
        try:
            with translated():
                yield
        except DamagedError as error:
            raise DamagedError(self.health.damaged(str(error))) from error
        except NotStoredError:
            self.check_writable()  # a file that is gone is not a full disk
            raise

    def _connect(self) -> sqlite3.Connection:
        return reader(self._path)

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
        with self._translated():
            return self._reader().execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> Row | None:
        """The first row of a query, or None."""
        with self._translated():
            row: Row | None = self._reader().execute(sql, values).fetchone()
            return row

    def scalar(self, sql: str, *values: Any) -> Any:
        """The first column of the first row; a query that always has one (a count, a maximum)."""
        row = self.one(sql, *values)
        assert row is not None
        return row[0]

    def write(self, sql: str, *values: Any) -> int:
        """Run one writing statement; returns the last inserted row id."""
        with self.transaction(), self._translated():
            return self._writer.execute(sql, values).lastrowid or 0

    def write_many(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """Run one writing statement for each row."""
        with self.transaction(), self._translated():
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
