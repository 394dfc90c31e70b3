"""Runs, and the values of their sweep's metric."""

import contextlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from src.wandb_server.states import RunState
from src.wandb_server.store.connection import Row
from src.wandb_server.store.errors import DamagedError
from src.wandb_server.store.forms import decoded, encoded
from src.wandb_server.store.run_lines import RunLines
from src.wandb_server.store.stamps import now


@dataclass(frozen=True)
class Run:
    """One run as stored.

    ``config`` is in W&B's form, ``{name: {"value": ...}}``; ``params`` is what the sweep chose.
    ``withdrawn`` is an attempt at a configuration that gave way to another one, and
    ``told_to_stop`` a run that has been sent what ``should_stop`` says. A ``prior`` run was there
    before its sweep. What a fork has ``inherited`` stands in its ``config`` and ``summary``, too,
    unless it says something else itself. ``unreadable`` names the columns that are
    damaged, which are empty here.
    """

    id: int
    project_id: int
    name: str
    display_name: str
    state: RunState
    params: dict[str, Any] | None
    config: dict[str, Any]
    summary: dict[str, Any]
    group_name: str | None
    job_type: str | None
    description: str | None
    notes: str | None
    tags: list[str]
    commit_hash: str | None
    repo: str | None
    host: str | None
    program: str | None
    exitcode: int | None
    created_at: str
    heartbeat_at: str
    sweep_id: int | None
    agent_id: int | None
    offers: int
    retry_of: int | None
    should_stop: bool
    early_stop: dict[str, Any] | None
    withdrawn: bool
    told_to_stop: bool
    prior: bool
    inherited: dict[str, Any] | None
    unreadable: tuple[str, ...]

    @property
    def active(self) -> bool:
        """Whether the run may still make progress."""
        return self.state.active

    @property
    def stopped_early(self) -> bool:
        """Whether it ended before its own end, as Hyperband or somebody had told it to.

        A run that says so itself, by ``stopped_early`` in its summary, is believed; of another one
        it is true if it had been told before it ended.
        """
        if self.active or self.withdrawn:
            return False
        said = None if self.taken_for_dead else self.summary.get("stopped_early")
        return said if isinstance(said, bool) else self.told_to_stop

    @property
    def taken_for_dead(self) -> bool:
        """Whether it has not said itself that it ended."""
        return self.state in (RunState.CRASHED, RunState.KILLED) and self.exitcode is None

    @property
    def queued(self) -> bool:
        """Whether it is a sweep's run that waits for an agent to be free."""
        return (
            self.state is RunState.PENDING and self.sweep_id is not None and self.agent_id is None
        )

    @property
    def full_summary(self) -> dict[str, Any]:
        """The client's summary, and what the server has decided, which no client can erase."""
        decided: dict[str, Any] = {}
        if self.early_stop is not None and (self.active or self.stopped_early):
            decided["early_termination"] = self.early_stop
        if self.stopped_early or "stopped_early" in self.summary:
            decided["stopped_early"] = self.stopped_early
        if self.withdrawn:
            decided["withdrawn"] = True
        return self.summary | decided


_FLAGS = ("should_stop", "withdrawn", "told_to_stop", "prior")


def _run(row: Row) -> Run:
    values = decoded("runs", row)
    for name, value in (values["inherited"] or {}).items():
        values[name] = value | values[name]
    return Run(**values | {name: bool(values[name]) for name in _FLAGS})


class Runs(RunLines):
    """Queries and changes of runs."""

    def get(self, run_id: int) -> Run | None:
        """The run with this id."""
        row = self._db.one("SELECT * FROM runs WHERE id = ?", run_id)
        return _run(row) if row else None

    def find(self, project_id: int, name: str) -> Run | None:
        """The run of a project with this name (W&B's run id)."""
        row = self._db.one("SELECT * FROM runs WHERE project_id = ? AND name = ?", project_id, name)
        return _run(row) if row else None

    def of_project(self, project_id: int) -> list[Run]:
        """All runs of a project in creation order."""
        return self._many("project_id = ?", project_id)

    def of_sweep(self, sweep_id: int) -> list[Run]:
        """All runs of a sweep in creation order."""
        return self._many("sweep_id = ?", sweep_id)

    def of_agent(self, agent_id: int) -> list[Run]:
        """All runs that were handed to an agent, in creation order."""
        return self._many("agent_id = ?", agent_id)

    def active(self) -> list[Run]:
        """All runs that have not ended."""
        states = [state for state in RunState if state.active]
        return self._many(f"state IN ({', '.join('?' * len(states))})", *states)

    def _many(self, where: str, *values: Any) -> list[Run]:
        try:
            rows = self._db.all(f"SELECT * FROM runs WHERE {where} ORDER BY id", *values)
            return [_run(row) for row in rows]
        except DamagedError:
            return self._readable(where, *values)

    def _readable(self, where: str, *values: Any) -> list[Run]:
        """Those runs that a damaged database still gives; their ids are in an index as well."""
        found = []
        for row in self._db.all(f"SELECT id FROM runs WHERE {where} ORDER BY id", *values):
            with contextlib.suppress(DamagedError):
                found.append(self.get(row["id"]))
        return [run for run in found if run is not None]

    def create(self, project_id: int, name: str, **values: Any) -> Run:
        """Add a run; it is called ``run-N`` unless ``display_name`` says otherwise."""
        with self._db.transaction():
            if not values.get("display_name"):
                count = self._db.scalar(
                    "SELECT count(*) FROM runs WHERE project_id = ?", project_id
                )
                values["display_name"] = f"run-{count + 1}"
            created = now()
            run_id = self._db.insert(
                "runs",
                project_id=project_id,
                name=name,
                created_at=created,
                heartbeat_at=created,
                **encoded("runs", values),
            )
            run = self.get(run_id)
            assert run is not None
            return run

    def update(self, run_id: int, **values: Any) -> None:
        """Set columns of a run."""
        self._db.update("runs", run_id, **encoded("runs", values))

    def delete(self, run_id: int) -> None:
        """Remove a run with its streams and files; its artifacts stay."""
        self._db.write("DELETE FROM runs WHERE id = ?", run_id)

    # The sweep's metric

    def put_metric_values(self, run_id: int, values: Iterable[tuple[int, float]]) -> None:
        """Store ``(position, value)`` of the sweep's metric, taken from history lines."""
        self._db.write_many(
            "INSERT OR REPLACE INTO metric_values (run_id, position, value) VALUES (?, ?, ?)",
            [
                (run_id, position, value if math.isfinite(value) else None)
                for position, value in values
            ],
        )

    def metric_count(self, run_id: int) -> int:
        """How many values of its sweep's metric a run has logged."""
        sql = "SELECT count(*) FROM metric_values WHERE run_id = ?"
        return int(self._db.scalar(sql, run_id))

    def metric_histories(self, sweep_id: int) -> dict[int, list[float]]:
        """The metric's values in order (NaN if not finite) of each run that has logged it.

        Not of withdrawn runs: another run has the same configuration.
        """
        histories: dict[int, list[float]] = {}
        for row in self._db.all(
            "SELECT run_id, value FROM metric_values"
            " WHERE run_id IN (SELECT id FROM runs WHERE sweep_id = ? AND NOT withdrawn)"
            " ORDER BY run_id, position",
            sweep_id,
        ):
            value = math.nan if row["value"] is None else row["value"]
            histories.setdefault(row["run_id"], []).append(value)
        return histories

    def metric_range(self, run_id: int) -> list[float]:
        """Lowest and highest finite value of its sweep's metric; nothing if there is none."""
        row = self._db.one(
            "SELECT min(value), max(value) FROM metric_values WHERE run_id = ?", run_id
        )
        return [value for value in row or () if value is not None]

    def metric_ranges(self, project_id: int) -> dict[int, tuple[float | None, float | None, int]]:
        """Lowest and highest finite value of its sweep's metric, and the points, by run."""
        rows = self._db.all(
            "SELECT run_id, min(value) AS low, max(value) AS high, count(*) AS points"
            " FROM metric_values WHERE run_id IN (SELECT id FROM runs WHERE project_id = ?)"
            " GROUP BY run_id",
            project_id,
        )
        return {row["run_id"]: (row["low"], row["high"], row["points"]) for row in rows}
