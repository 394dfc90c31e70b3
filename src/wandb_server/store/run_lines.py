"""What runs send line by line: history, events, alerts and the console's log.

All but the log are streams of JSON objects. As an object, or as the last line, one that is damaged
is left out, as if it had not been sent; :meth:`RunLines.unreadable_lines` counts them.
"""

from collections.abc import Iterable
from typing import Any

from src.wandb_server.store.database import Database
from src.wandb_server.store.forms import JSON_STREAMS, SUSPECT_LINE
from src.wandb_server.store.forms import line as decoded_line


class RunLines:
    """Queries and changes of the lines of runs."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def put_lines(
        self, run_id: int, stream: str, lines: Iterable[tuple[int, int | None, str]]
    ) -> None:
        """Store ``(position, step, text)`` lines; a position sent again is replaced, not added."""
        rows = [(run_id, stream, position, step, text) for position, step, text in lines]
        self._db.write_many(
            "INSERT OR REPLACE INTO lines (run_id, stream, position, step, text)"
            " VALUES (?, ?, ?, ?, ?)",
            rows,
        )

    def clear_lines(self, run_id: int, stream: str) -> None:
        """Drop a stream, as a run that is started anew under its old name does.

        What a fork has inherited stays.
        """
        with self._db.transaction():
            sql = "DELETE FROM lines WHERE run_id = ? AND stream = ? AND position >= 0"
            self._db.write(sql, run_id, stream)
            if stream == "history":
                self._db.write("DELETE FROM metric_values WHERE run_id = ?", run_id)

    def line(self, run_id: int, stream: str, position: int) -> str | None:
        """One line of a stream."""
        row = self._db.one(
            "SELECT text FROM lines WHERE run_id = ? AND stream = ? AND position = ?",
            run_id,
            stream,
            position,
        )
        return row["text"] if row else None

    def lines(
        self,
        run_id: int,
        stream: str,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> list[str]:
        """The lines of a stream in order, those with ``min_step <= step < max_step`` if given."""
        sql = "SELECT text FROM lines WHERE run_id = ? AND stream = ?"
        values: list[Any] = [run_id, stream]
        if min_step is not None:
            sql += " AND step >= ?"
            values.append(min_step)
        if max_step is not None:
            sql += " AND step < ?"
            values.append(max_step)
        return [row["text"] for row in self._db.all(sql + " ORDER BY position", *values)]

    def rows(
        self,
        run_id: int,
        stream: str,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> list[dict[str, Any]]:
        """The :meth:`lines` of a JSON stream as objects, without those that are damaged."""
        return _objects(self.lines(run_id, stream, min_step, max_step))

    def sampled_rows(self, run_id: int, stream: str, count: int) -> list[dict[str, Any]]:
        """About ``count`` lines of a long JSON stream, evenly spaced and the last; else all."""
        first, last = self._db.one(
            "SELECT ifnull(min(position), 0), ifnull(max(position), 0) FROM lines"
            " WHERE run_id = ? AND stream = ?",
            *(run_id, stream),
        ) or (0, 0)
        stride = -(-(last - first + 1) // count)
        # The place within each stretch moves on: what is logged every n-th line is met as well.
        rows = self._db.all(
            "SELECT text FROM lines WHERE run_id = ?1 AND stream = ?2 AND (position = ?5 OR"
            " (position - ?3) % ?4 = ((position - ?3) / ?4) % ?4) ORDER BY position",
            *(run_id, stream, first, stride, last),
        )
        return _objects(row["text"] for row in rows)

    def last_lines(self, run_id: int, stream: str, count: int) -> list[str]:
        """The newest lines of a stream, in order."""
        rows = self._db.all(
            "SELECT text FROM lines WHERE run_id = ? AND stream = ? ORDER BY position DESC LIMIT ?",
            *(run_id, stream, count),
        )
        return [row["text"] for row in reversed(rows)]

    def rows_with(self, run_id: int, stream: str, text: str, count: int) -> list[dict[str, Any]]:
        """The newest lines of a JSON stream that contain a text, in order."""
        rows = self._db.all(
            "SELECT text FROM lines WHERE run_id = ? AND stream = ? AND instr(text, ?)"
            " ORDER BY position DESC LIMIT ?",
            *(run_id, stream, text, count),
        )
        return _objects(row["text"] for row in reversed(rows))

    def unreadable_lines(self, run_id: int, most: int) -> int:
        """How many of a run's newest lines in each JSON stream are damaged."""
        sql = (
            "SELECT text FROM lines WHERE run_id = ? AND stream = ? AND position >="
            " (SELECT max(position) FROM lines WHERE run_id = ? AND stream = ?) - ?"
            f" AND {SUSPECT_LINE}"
        )
        return sum(
            decoded_line(row["text"]) is None
            for stream in JSON_STREAMS
            for row in self._db.all(sql, run_id, stream, run_id, stream, most)
        )

    def line_count(self, run_id: int, stream: str) -> int:
        """Where the next line of a stream goes: one past the last position of its own."""
        last = self._db.scalar(
            "SELECT max(position) FROM lines WHERE run_id = ? AND stream = ?", run_id, stream
        )
        return 0 if last is None else max(0, int(last) + 1)

    def last_line(self, run_id: int, stream: str) -> str | None:
        """The newest line of a stream, unless it is damaged."""
        return next(iter(readable(stream, self.last_lines(run_id, stream, 1))), None)


def readable(stream: str, texts: list[str]) -> list[str]:
    """The lines of a stream without those that are damaged."""
    if stream not in JSON_STREAMS:
        return texts
    return [text for text in texts if decoded_line(text) is not None]


def _objects(texts: Iterable[str]) -> list[dict[str, Any]]:
    decoded = (decoded_line(text) for text in texts)
    return [row for row in decoded if row is not None]
