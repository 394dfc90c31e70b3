"""What can be wrong with a database and the contents beside it, found by looking."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from src.wandb_server.store.blobs import BlobStorage
from src.wandb_server.store.connection import reader, translated
from src.wandb_server.store.errors import DamagedError, NotStoredError, StoreError
from src.wandb_server.store.forms import FORMS, JSON_STREAMS, SUSPECT_LINE, decoded
from src.wandb_server.store.forms import line as decoded_line
from src.wandb_server.store.schema import MIGRATIONS

MOST = 100  # findings of SQLite's own check: one damaged page may be the cause of thousands
_INTERRUPTED = "interrupted"  # as SQLite says it
_STEPS = 100_000  # of SQLite's machine, between looks at whether to go on

# What uses a content, for people.
_USERS = """
SELECT 'run ' || r.name || ': ' || f.name FROM run_files f JOIN runs r ON r.id = f.run_id
 WHERE f.blob_id = :blob
UNION ALL
SELECT 'artifact ' || c.name || ': ' || f.name FROM artifact_files f
 JOIN artifacts a ON a.id = f.artifact_id JOIN collections c ON c.id = a.collection_id
 WHERE f.blob_id = :blob
UNION ALL
SELECT 'artifact ' || c.name || ': ' || m.name FROM manifests m
 JOIN artifacts a ON a.id = m.artifact_id JOIN collections c ON c.id = a.collection_id
 WHERE m.blob_id = :blob
"""


@dataclass
class Report:
    """What a whole check has found.

    Attributes:
        structure: Faults of the file, in which any value may be another one.
        losses: Single rows, values and stored files that are lost; all others are good.
        looked_at: How many of what were looked at.
    """

    structure: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    looked_at: dict[str, int] = field(default_factory=dict)


def structure(connection: sqlite3.Connection, seconds: float | None = None) -> list[str]:
    """What is wrong with a file as a database of ours.

    Args:
        connection: A connection to it.
        seconds: How long to look at most; what was not looked at by then counts as good.
    """
    limit = threading.Timer(seconds, connection.interrupt) if seconds else None
    if limit:
        limit.start()
    faults: list[str] = []
    try:
        with translated():
            faults += _pages(connection, "quick_check")
            faults += [] if faults else _tables(connection)
    except DamagedError as error:
        faults.append(str(error))
    except NotStoredError as error:
        if str(error) != _INTERRUPTED:
            raise
    finally:
        if limit:
            limit.cancel()
            limit.join()  # it has the connection, too
    return faults


def check(database: Path, files: Path, stopped: Callable[[], bool] = lambda: False) -> Report:
    """Look at everything: the file's pages, references between rows, values, stored contents.

    It reads beside a server that writes, and neither waits for the other.

    Args:
        database: The database file.
        files: The folder of stored contents.
        stopped: Asked now and then whether to give up; what was found by then is reported.
    """
    report = Report()
    if database.stat().st_size == 0:
        report.structure.append("the file is empty")
        return report
    with _noted(report, "the file"), closing(reader(database)) as connection:
        connection.set_progress_handler(lambda: int(stopped()), _STEPS)
        with _noted(report, "the file"):
            report.structure += _pages(connection, "integrity_check")
            report.structure += [] if report.structure else _tables(connection)
        for table in FORMS:
            with _noted(report, f"table {table}"):
                report.losses += _values(connection, table, report)
        with _noted(report, "table lines"):
            report.losses += _lines(connection, report)
        with _noted(report, "references between tables"):
            report.losses += _references(connection)
        with _noted(report, "table blobs"):
            report.losses += _contents(connection, files, report, stopped)
    return report


@contextmanager
def _noted(report: Report, what: str) -> Iterator[None]:
    """Go on with the next part when one cannot be read."""
    try:
        with translated():
            yield
    except StoreError as error:
        if str(error) != _INTERRUPTED:
            report.structure.append(f"{what} cannot be read: {error}")


def _pages(connection: sqlite3.Connection, pragma: str) -> Iterator[str]:
    for row in connection.execute(f"PRAGMA {pragma}({MOST})"):
        for line in str(row[0]).splitlines():
            if line != "ok" and not line.startswith("*** in database"):
                yield line


def _tables(connection: sqlite3.Connection) -> list[str]:
    """A table or column that is missing; a damaged name is well-formed to SQLite."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    with closing(sqlite3.connect(":memory:")) as model:
        for script in MIGRATIONS[:version]:
            model.executescript(script)
        wanted, found = _columns(model), _columns(connection)
    return [f"the column {table}.{name} is missing" for table, name in sorted(wanted - found)]


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    rows = connection.execute(
        "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c"
        " WHERE t.type = 'table'"
    )
    return {(row[0], row[1]) for row in rows}


def _values(connection: sqlite3.Connection, table: str, report: Report) -> Iterator[str]:
    for row in connection.execute(f"SELECT * FROM {table}"):
        report.looked_at[table] = report.looked_at.get(table, 0) + 1
        unreadable = [*decoded(table, row)["unreadable"]]
        if table == "sweeps" and not _is_yaml(row["config"]):
            unreadable.append("config")
        name = row["name"] if "name" in row.keys() else row["id"]  # noqa: SIM118 (of values)
        for column in unreadable:
            yield f"{column} of {table} {name} (row {row['id']}) is damaged"


def _is_yaml(text: str) -> bool:
    try:
        return isinstance(yaml.safe_load(text), dict)
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError):
        return False


def _lines(connection: sqlite3.Connection, report: Report) -> Iterator[str]:
    streams = ", ".join(f"'{stream}'" for stream in JSON_STREAMS)
    report.looked_at["lines"] = connection.execute("SELECT count(*) FROM lines").fetchone()[0]
    # SQLite reads JSON faster than Python, which looks at the suspects alone.
    rows = connection.execute(
        "SELECT r.name, l.* FROM lines l JOIN runs r ON r.id = l.run_id"
        f" WHERE l.stream IN ({streams}) AND {SUSPECT_LINE}"
    )
    for row in rows:
        if decoded_line(row["text"]) is None:
            yield f"line {row['position']} of the {row['stream']} of run {row['name']} is damaged"


def _references(connection: sqlite3.Connection) -> Iterator[str]:
    for row in connection.execute("PRAGMA foreign_key_check"):
        yield f"row {row[1]} of {row[0]} belongs to a row of {row[2]} that is not there"


def _contents(
    connection: sqlite3.Connection, files: Path, report: Report, stopped: Callable[[], bool]
) -> Iterator[str]:
    rows = connection.execute(
        "SELECT id, size, expected_md5, strftime('%s', updated_at) AS stored FROM blobs"
        " WHERE size IS NOT NULL"
    ).fetchall()
    report.looked_at["stored files"] = len(rows)
    for row in rows:
        if stopped():
            return
        path = files / BlobStorage.place(row["id"])
        try:
            found = path.stat()
            whole = found.st_size == row["size"] or _is_later(found, row)
            what = "" if whole else f"has {found.st_size} bytes, not {row['size']}"
        except OSError as error:
            what = f"cannot be read: {error.strerror}"
        if not what:
            continue
        users = [used[0] for used in connection.execute(_USERS, {"blob": row["id"]})]
        yield f"the stored file of {', '.join(users) or 'nothing any more'} {what} ({path})"


def _is_later(found: os.stat_result, row: sqlite3.Row) -> bool:
    """Whether a run has sent its file again: since the row was read, or since it was backed up."""
    replaceable = row["expected_md5"] is None and row["stored"] is not None
    return replaceable and found.st_mtime > int(row["stored"]) + 1  # whole seconds
