"""Saved views: W&B reports and workspaces, whose specification the client writes as JSON."""

from dataclasses import dataclass
from typing import Any

from src.wandb_server.store.database import Database
from src.wandb_server.store.forms import decoded, encoded
from src.wandb_server.store.stamps import new_name, now


@dataclass(frozen=True)
class View:
    """One saved view; ``unreadable`` names columns that are damaged."""

    id: int
    project_id: int
    name: str
    type: str
    display_name: str | None
    description: str | None
    spec: dict[str, Any]
    created_at: str
    updated_at: str
    unreadable: tuple[str, ...]


class Views:
    """Queries and changes of views."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, view_id: int) -> View | None:
        """The view with this id."""
        row = self._db.one("SELECT * FROM views WHERE id = ?", view_id)
        return View(**decoded("views", row)) if row else None

    def of_project(self, project_id: int) -> list[View]:
        """All views of a project in creation order."""
        rows = self._db.all("SELECT * FROM views WHERE project_id = ? ORDER BY id", project_id)
        return [View(**decoded("views", row)) for row in rows]

    def create(self, project_id: int, name: str | None, **values: Any) -> View:
        """Add a view."""
        created = now()
        view_id = self._db.insert(
            "views",
            project_id=project_id,
            name=name or new_name(),
            created_at=created,
            updated_at=created,
            **encoded("views", values),
        )
        view = self.get(view_id)
        assert view is not None
        return view

    def update(self, view_id: int, **values: Any) -> None:
        """Set columns of a view."""
        self._db.update("views", view_id, updated_at=now(), **encoded("views", values))

    def delete(self, view_id: int) -> None:
        """Remove a view."""
        self._db.write("DELETE FROM views WHERE id = ?", view_id)
