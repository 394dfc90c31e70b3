"""Copies of the database that are kept beside it, and how they are made.

They hold no uploaded contents: those are never deleted, and an artifact's never change. Of a run's
files, which it may send again, the last one fits any copy.
"""

import os
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from filelock import FileLock

from src.shared.atomic import replacing
from src.shared.errors import UserError
from src.wandb_server.store.checks import structure
from src.wandb_server.store.connection import log_of, reader, translated
from src.wandb_server.store.errors import DamagedError, NotStoredError, StoreError

DAY = timedelta(days=1)
KEPT_DAYS = 7
KEPT_MIGRATIONS = 3
KEPT_BYTES = 2 * 2**30  # of the daily ones; the newest is kept however large it is
LOCK_SECONDS = 60  # to wait for another backup that is being made
_NAME = re.compile(r"(\d{4}-\d\d-\d\dT\d{6}Z)-(\w+)\.db")
_STAMP = "%Y-%m-%dT%H%M%SZ"


class Why(StrEnum):
    """What a backup was made for; only added, never removed, as it is part of its name.

    Attributes:
        DAILY: A day of use.
        MIGRATION: A newer version was about to change the tables.
        ASKED: Its owner wanted it; it is never deleted by itself.
    """

    DAILY = "daily"
    MIGRATION = "migration"
    ASKED = "asked"


@dataclass(frozen=True)
class Backup:
    """A copy of the database."""

    path: Path
    made: datetime
    why: Why

    @property
    def when(self) -> str:
        """When it was made, for people."""
        return self.made.strftime("%Y-%m-%d %H:%M:%S UTC")


def folder_of(database: Path) -> Path:
    """Where a database's backups are kept."""
    return database.with_name("backups")


def backups_of(database: Path) -> list[Backup]:
    """A database's backups, the newest first."""
    folder = folder_of(database)
    found = [(_NAME.fullmatch(path.name), path) for path in folder.glob("*.db")]
    backups = [
        Backup(path, datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC), Why(match[2]))
        for match, path in found
        if match and match[2] in list(Why)
    ]
    return sorted(backups, key=lambda backup: backup.made, reverse=True)


def newest_good(database: Path) -> Backup | None:
    """The newest backup that is whole."""
    return next((backup for backup in backups_of(database) if not faults_of(backup.path)), None)


def faults_of(copy: Path) -> list[str]:
    """What is wrong with a copy of a database."""
    try:
        with translated(), closing(reader(copy)) as connection:
            return structure(connection)
    except StoreError as error:
        return [str(error)]


def cure(database: Path, checked: bool = False) -> str:
    """What to do about a damaged database, also when ``check`` has said what is left of it."""
    command, data = "python -m src.wandb_server", f"--data {database.parent}"
    backup = newest_good(database)
    if backup is None:
        look = "" if checked else f"{command} check {data} tells what is left of it, and "
        return f"there is no good backup of it; {look}another folder begins anew"
    return (
        f"put the newest good backup, of {backup.when}, in its place with {command} restore "
        f"{backup.path.name} {data} while no server runs"
    )


def back_up(database: Path, why: Why) -> Backup:
    """Make a backup, and delete those of its kind that are one too many.

    Raises:
        NotStoredError: There is no room for it.
        DamagedError: The database cannot be read whole.
    """
    made = datetime.now(UTC).replace(microsecond=0)
    folder = folder_of(database)
    backup = Backup(folder / f"{made.strftime(_STAMP)}-{why}.db", made, why)
    with writing_in(folder):
        folder.mkdir(exist_ok=True, mode=0o700)
        # A server and its owner may each be making one.
        with FileLock(folder.with_suffix(".lock"), timeout=LOCK_SECONDS):
            for left in folder.glob(".*.db*"):  # by a process that was killed
                left.unlink()
            copy_database(database, backup.path)
            for old in _spare(backups_of(database)):
                old.path.unlink(missing_ok=True)
    return backup


def copy_database(database: Path, target: Path) -> None:
    """Copy a database as it is at one moment, while it may be in use, in one go and verified.

    Raises:
        NotStoredError: There is no room for it; as much again must stay free for the server.
        DamagedError: The database cannot be read whole.
    """
    with writing_in(target.parent):
        size = sum(path.stat().st_size for path in _parts(database))
        free = shutil.disk_usage(target.parent).free
    if free < 2 * size:
        raise NotStoredError(
            f"{target.parent} has {free / 1e6:.0f} MB of room, and twice {size / 1e6:.0f} MB is "
            "needed"
        )
    try:
        with replacing(target) as new, translated():
            os.close(os.open(new, os.O_CREAT | os.O_WRONLY, 0o600))
            with closing(reader(database)) as source, closing(sqlite3.connect(new)) as copy:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")  # one file, without those of a log
                faults = structure(copy)
            if faults:
                raise DamagedError(faults[0])
    except UserError as error:
        raise NotStoredError(str(error)) from None


@contextmanager
def writing_in(folder: Path) -> Iterator[None]:
    """Raise what the system refuses in a folder as the store's own error.

    Raises:
        NotStoredError: It refuses something, its disk being full, say.
    """
    try:
        yield
    except OSError as error:
        raise NotStoredError(f"{folder}: {error.strerror or error}") from None


def is_due(database: Path, now: datetime) -> bool:
    """Whether a day's backup is to be made: there is none, and something was stored since.

    Raises:
        StoreError: The database cannot be read.
    """
    newest = next((b for b in backups_of(database) if b.why is Why.DAILY), None)
    if newest is None:
        return not _is_empty(database)
    # One from the future was made by a clock that has been put right since.
    is_of_today = timedelta(0) <= now - newest.made < DAY
    changed = max((path.stat().st_mtime for path in _parts(database)), default=0.0)
    return not is_of_today and changed > newest.made.timestamp()


def _is_empty(database: Path) -> bool:
    with translated(), closing(reader(database)) as connection:
        return connection.execute("SELECT 1 FROM projects").fetchone() is None


def _parts(database: Path) -> list[Path]:
    """The file, and the log of what is not in it yet."""
    return [path for path in (database, log_of(database)) if path.exists()]


def _spare(backups: list[Backup]) -> Iterable[Backup]:
    """Those that are more than are kept; given the newest first."""
    daily = [backup for backup in backups if backup.why is Why.DAILY]
    total = 0
    for number, backup in enumerate(daily):
        total += backup.path.stat().st_size
        if number >= KEPT_DAYS or (number and total > KEPT_BYTES):
            yield backup
    yield from [b for b in backups if b.why is Why.MIGRATION][KEPT_MIGRATIONS:]
