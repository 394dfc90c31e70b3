"""Collections: the named series that artifacts are versions of."""

from dataclasses import dataclass
from typing import Any, Literal

from src.wandb_server.store.connection import Row
from src.wandb_server.store.database import Database
from src.wandb_server.store.stamps import now

CollectionKind = Literal["ArtifactSequence", "ArtifactPortfolio"]


@dataclass(frozen=True)
class Collection:
    """A named series of artifacts: a sequence that they are logged to, or a portfolio of links."""

    id: int
    project_id: int
    kind: CollectionKind
    type: str
    name: str
    description: str | None
    created_at: str
    updated_at: str


@dataclass(frozen=True)
class Tag:
    """A tag of a collection or of an artifact."""

    id: int
    name: str


class Collections:
    """Queries and changes of collections."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, collection_id: int) -> Collection | None:
        """The collection with this id."""
        return _collection(self._db.one("SELECT * FROM collections WHERE id = ?", collection_id))

    def find(self, project_id: int, name: str) -> Collection | None:
        """The collection of a project with this name."""
        sql = "SELECT * FROM collections WHERE project_id = ? AND name = ?"
        return _collection(self._db.one(sql, project_id, name))

    def of_project(self, project_id: int) -> list[Collection]:
        """All collections of a project in creation order."""
        rows = self._db.all(
            "SELECT * FROM collections WHERE project_id = ? ORDER BY id", project_id
        )
        return [Collection(**dict(row)) for row in rows]

    def ensure(
        self, project_id: int, name: str, kind: CollectionKind, type_name: str
    ) -> Collection:
        """The collection with this name, created when it is not there."""
        with self._db.transaction():
            found = self.find(project_id, name)
            if found is None:
                self._db.insert(
                    "collections",
                    project_id=project_id,
                    kind=kind,
                    type=type_name,
                    name=name,
                    created_at=now(),
                    updated_at=now(),
                )
                found = self.find(project_id, name)
                assert found is not None
            return found

    def update(self, collection_id: int, **values: Any) -> None:
        """Set columns of a collection."""
        self._db.update("collections", collection_id, updated_at=now(), **values)

    def delete(self, collection_id: int) -> None:
        """Remove a collection; a sequence goes with its artifacts."""
        self._db.write("DELETE FROM collections WHERE id = ?", collection_id)

    def tags(self, collection_id: int) -> list[Tag]:
        """A collection's tags."""
        sql = "SELECT id, name FROM tags WHERE collection_id = ? ORDER BY name"
        return [Tag(**dict(row)) for row in self._db.all(sql, collection_id)]

    def change_tags(self, collection_id: int, add: list[str], remove: list[str]) -> None:
        """Add and remove tags of a collection."""
        with self._db.transaction():
            self._db.write_many(
                "INSERT INTO tags (collection_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [(collection_id, name) for name in add],
            )
            self._db.write_many(
                "DELETE FROM tags WHERE collection_id = ? AND name = ?",
                [(collection_id, name) for name in remove],
            )


def _collection(row: Row | None) -> Collection | None:
    return Collection(**dict(row)) if row else None
