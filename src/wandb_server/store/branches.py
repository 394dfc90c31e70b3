"""Runs that go on from within a history: a fork from that of another run, a rewind from its own."""

import json
from typing import Any

from src.wandb_server.store.database import Database
from src.wandb_server.store.forms import line as decoded_line
from src.wandb_server.store.runs import Run


class Branches:
    """Changes of runs that begin at a step which has been logged already."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def last_step(self, run: Run) -> int | None:
        """The last step that a run has logged, inherited ones included; none if it has none."""
        sql = "SELECT max(step) FROM lines WHERE run_id = ? AND stream = 'history'"
        step: int | None = self._db.scalar(sql, run.id)
        return step

    def fork(self, run: Run, parent: Run, last_step: int) -> None:
        """Give a new run what another one was up to a step: history, media, config, summary.

        A fork counts its own lines from 0, so those that it inherits have positions below.
        """
        with self._db.transaction():
            self._db.write(
                "INSERT INTO lines (run_id, stream, position, step, text)"
                " SELECT ?1, stream, position - 1 - max(position) OVER (), step, text FROM lines"
                " WHERE run_id = ?2 AND stream = 'history' AND step <= ?3",
                *(run.id, parent.id, last_step),
            )
            self._db.write(
                "INSERT INTO run_files (run_id, name, blob_id) SELECT ?1, name, blob_id"
                " FROM run_files WHERE run_id = ?2 AND name LIKE 'media/%'",
                *(run.id, parent.id),
            )
            inherited = {"config": parent.config, "summary": self._summary(parent.id, last_step)}
            self._db.update("runs", run.id, inherited=json.dumps(inherited))

    def rewind(self, run: Run, last_step: int) -> None:
        """Drop what a run has logged after a step, to go on from there."""
        with self._db.transaction():
            for table, condition in (
                (
                    "metric_values",
                    "position IN (SELECT position FROM lines l WHERE l.run_id ="
                    " metric_values.run_id AND l.stream = 'history' AND l.step > ?)",
                ),
                ("lines", "stream = 'history' AND step > ?"),
            ):
                self._db.write(
                    f"DELETE FROM {table} WHERE run_id = ? AND {condition}", run.id, last_step
                )
            summary = self._summary(run.id, last_step)
            self._db.update("runs", run.id, summary=json.dumps(summary))

    def _summary(self, run_id: int, last_step: int) -> dict[str, Any]:
        """The last values that a run has logged up to a step."""
        sql = (
            "SELECT text FROM lines WHERE run_id = ? AND stream = 'history' AND step <= ?"
            " ORDER BY position"
        )
        summary: dict[str, Any] = {}
        for row in self._db.all(sql, run_id, last_step):
            summary |= decoded_line(row["text"]) or {}
        return summary
