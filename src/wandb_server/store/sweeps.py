"""Sweeps and their agents."""

from dataclasses import dataclass
from typing import Any

from src.wandb_server.states import SweepState
from src.wandb_server.store.connection import Row
from src.wandb_server.store.database import Database
from src.wandb_server.store.forms import decoded
from src.wandb_server.store.stamps import new_name, now


@dataclass(frozen=True)
class Sweep:
    """One sweep; ``config`` is its YAML text, and ``unreadable`` names columns that are damaged."""

    id: int
    project_id: int
    name: str
    display_name: str | None
    description: str | None
    state: SweepState
    config: str
    controller: str | None
    scheduler: str | None
    prior_runs: str | None
    created_at: str
    updated_at: str
    unreadable: tuple[str, ...]

    @property
    def log_run_name(self) -> str:
        """The run in which the scheduler of its engine keeps a log, if it has one."""
        return f"{self.name}-scheduler"


@dataclass(frozen=True)
class Agent:
    """One registered agent of a sweep."""

    id: int
    sweep_id: int
    name: str
    host: str
    created_at: str
    heartbeat_at: str
    exited: int
    benched: int


class Sweeps:
    """Queries and changes of sweeps and agents."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, sweep_id: int) -> Sweep | None:
        """The sweep with this id."""
        row = self._db.one("SELECT * FROM sweeps WHERE id = ?", sweep_id)
        return _sweep(row) if row else None

    def find(self, project_id: int, name: str) -> Sweep | None:
        """The sweep of a project with this name (W&B's sweep id)."""
        sql = "SELECT * FROM sweeps WHERE project_id = ? AND name = ?"
        row = self._db.one(sql, project_id, name)
        return _sweep(row) if row else None

    def of_project(self, project_id: int) -> list[Sweep]:
        """All sweeps of a project in creation order."""
        rows = self._db.all("SELECT * FROM sweeps WHERE project_id = ? ORDER BY id", project_id)
        return [_sweep(row) for row in rows]

    def create(self, project_id: int, config: str, **values: Any) -> Sweep:
        """Add a sweep, which waits for its first agent."""
        created = now()
        sweep_id = self._db.insert(
            "sweeps",
            **{
                "project_id": project_id,
                "name": new_name(),
                "config": config,
                "state": SweepState.PENDING,
                "created_at": created,
                "updated_at": created,
            }
            | values,
        )
        sweep = self.get(sweep_id)
        assert sweep is not None
        return sweep

    def update(self, sweep_id: int, **values: Any) -> None:
        """Set columns of a sweep."""
        self._db.update("sweeps", sweep_id, updated_at=now(), **values)

    def begin(self, sweep_id: int) -> None:
        """A sweep that waited runs from now on."""
        self._db.write(
            "UPDATE sweeps SET state = ?, updated_at = ? WHERE id = ? AND state = ?",
            *(SweepState.RUNNING, now(), sweep_id, SweepState.PENDING),
        )

    def add_agent(self, sweep_id: int, host: str) -> Agent:
        """Register an agent; a sweep that waited for one begins."""
        self.begin(sweep_id)
        created = now()
        agent_id = self._db.insert(
            "agents",
            sweep_id=sweep_id,
            name=new_name(),
            host=host,
            created_at=created,
            heartbeat_at=created,
        )
        agent = self.agent(agent_id)
        assert agent is not None
        return agent

    def agent(self, agent_id: int) -> Agent | None:
        """The agent with this id."""
        row = self._db.one("SELECT * FROM agents WHERE id = ?", agent_id)
        return Agent(**dict(row)) if row else None

    def agents(self, sweep_id: int) -> list[Agent]:
        """All agents of a sweep in the order of registration."""
        rows = self._db.all("SELECT * FROM agents WHERE sweep_id = ? ORDER BY id", sweep_id)
        return [Agent(**dict(row)) for row in rows]

    def update_agent(self, agent_id: int, **values: Any) -> None:
        """Set columns of an agent."""
        self._db.update("agents", agent_id, **values)


def _sweep(row: Row) -> Sweep:
    return Sweep(**decoded("sweeps", row))
