"""Projects."""

from dataclasses import dataclass
from typing import Any

from src.wandb_server.store.database import Database
from src.wandb_server.store.stamps import now


@dataclass(frozen=True)
class Project:
    """One project of an entity."""

    id: int
    entity: str
    name: str
    description: str | None
    created_at: str


class Projects:
    """Queries and changes of projects."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, project_id: int) -> Project:
        """The project with this id, which must exist (others refer to it)."""
        row = self._db.one("SELECT * FROM projects WHERE id = ?", project_id)
        assert row is not None
        return Project(**dict(row))

    def find(self, entity: str, name: str) -> Project | None:
        """The project with this name."""
        row = self._db.one("SELECT * FROM projects WHERE entity = ? AND name = ?", entity, name)
        return Project(**dict(row)) if row else None

    def all(self, entity: str | None = None) -> list[Project]:
        """All projects, or those of one entity, in creation order."""
        where, values = ("WHERE entity = ?", (entity,)) if entity else ("", ())
        rows = self._db.all(f"SELECT * FROM projects {where} ORDER BY id", *values)
        return [Project(**dict(row)) for row in rows]

    def ensure(self, entity: str, name: str) -> Project:
        """The project with this name, created when it is not there."""
        with self._db.transaction():
            self._db.write(
                "INSERT INTO projects (entity, name, created_at) VALUES (?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                entity,
                name,
                now(),
            )
            project = self.find(entity, name)
            assert project is not None
            return project

    def update(self, project_id: int, **values: Any) -> None:
        """Set columns of a project."""
        self._db.update("projects", project_id, **values)
