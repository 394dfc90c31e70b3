"""Opening the database file: what it must be, how it is made, and brought up to date."""

import sqlite3
from contextlib import closing
from pathlib import Path

from src.shared.atomic import replacing
from src.wandb_server.store.backups import Why, back_up, backups_of
from src.wandb_server.store.blobs import FILES, contents
from src.wandb_server.store.checks import structure
from src.wandb_server.store.connection import log_of, reader, writer
from src.wandb_server.store.errors import DamagedError, StoreError, UnusableStoreError
from src.wandb_server.store.health import Health
from src.wandb_server.store.schema import MIGRATIONS
from src.wandb_server.store.versions import check_version

# The quick check of 580 MB takes 0.8 s on two cores; a start never waits longer than this.
QUICK_SECONDS = 3.0


def opened(path: Path, health: Health) -> sqlite3.Connection:
    """The connection that writes, to a database of the current version.

    A new database is made where nothing is. One to a damaged database cannot write, and the health
    is told: what can be read of it is to be served.

    Raises:
        UnusableStoreError: It is none of ours, or of a newer version.
        DamagedError: Nothing of it can be read, or it is gone.
        StoreError: It cannot be made, backed up or brought up to date.
    """
    if _is_new(path):
        with replacing(path) as new:  # so that a database is never seen half-made
            _migrate(writer(new), 0).close()
    with closing(reader(path)) as looking:
        version = looking.execute("PRAGMA user_version").fetchone()[0]
        tables = looking.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        check_version(path, version)
        faults = structure(looking, QUICK_SECONDS) if version >= 1 else []
    if version < 1 and not tables:
        raise DamagedError("there is nothing in it")
    if version < 1:
        raise UnusableStoreError(f"{path} is a database of another program")
    if faults and version < len(MIGRATIONS):
        raise DamagedError(faults[0])  # what serves knows today's tables only
    if faults:
        health.damaged(faults[0])
        return reader(path)
    if version < len(MIGRATIONS):
        _back_up(path)
    return _migrate(writer(path), version)


def _is_new(path: Path) -> bool:
    """Whether there was never a database here.

    Raises:
        DamagedError: There was one.
        UnusableStoreError: Something else is in its place.
    """
    if path.is_dir():
        raise UnusableStoreError(f"{path} is a folder, not a database")
    if path.exists():
        if path.stat().st_size == 0:
            raise DamagedError("the file is empty")
        return False
    if path.is_symlink():
        raise DamagedError(f"it is a link to {path.readlink()}, which is not there")
    files = path.with_name(FILES)
    stored = files.is_dir() and any(contents(files))
    log = log_of(path)
    for left, what in ((stored, files), (log.exists(), log), (backups_of(path), "a backup")):
        if left:
            raise DamagedError(f"the file is missing, while there is {what}")
    return True


def _back_up(path: Path) -> None:
    try:
        back_up(path, Why.MIGRATION)
    except StoreError as error:
        raise UnusableStoreError(
            f"{path} is of an earlier version, and is not changed without a backup, for which "
            f"there must be room ({error})"
        ) from error


def _migrate(connection: sqlite3.Connection, version: int) -> sqlite3.Connection:
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in script.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return connection
