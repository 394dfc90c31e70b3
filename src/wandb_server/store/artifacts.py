"""Artifacts, the versions of collections that they are, and their aliases and tags."""

from dataclasses import dataclass
from typing import Any

from src.wandb_server.store.collections import Tag
from src.wandb_server.store.database import Database
from src.wandb_server.store.forms import decoded, encoded
from src.wandb_server.store.stamps import now


@dataclass(frozen=True)
class Artifact:
    """One artifact; ``collection_id`` is the sequence that it was logged to.

    ``unreadable`` names the columns that are damaged, which are empty here.
    """

    id: int
    collection_id: int
    client_id: str | None
    distributed_id: str | None
    run_id: int | None
    state: str
    digest: str
    description: str | None
    metadata: dict[str, Any] | None
    history_step: int | None
    size: int
    file_count: int
    wanted_aliases: list[str]
    created_at: str
    updated_at: str
    unreadable: tuple[str, ...]


@dataclass(frozen=True)
class Membership:
    """An artifact as version ``version`` of a collection."""

    id: int
    collection_id: int
    artifact_id: int
    version: int
    created_at: str


@dataclass(frozen=True)
class Alias:
    """A name of an artifact within a collection."""

    id: int
    alias: str
    artifact_id: int


@dataclass(frozen=True)
class Manifest:
    """A list of an artifact's contents, uploaded as a JSON file."""

    id: int
    artifact_id: int
    name: str
    kind: str
    digest: str
    base_id: int | None
    blob_id: str


class Artifacts:
    """Queries and changes of artifacts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, artifact_id: int) -> Artifact | None:
        """The artifact with this id."""
        found = self._many("SELECT * FROM artifacts WHERE id = ?", artifact_id)
        return found[0] if found else None

    def by_client_id(self, client_id: str) -> Artifact | None:
        """The artifact that its client made under this id."""
        found = self._many("SELECT * FROM artifacts WHERE client_id = ?", client_id)
        return found[0] if found else None

    def pending_parts(self, collection_id: int, distributed_id: str) -> Artifact | None:
        """The artifact that several clients are still putting together under this id."""
        found = self._many(
            "SELECT * FROM artifacts"
            " WHERE collection_id = ? AND distributed_id = ? AND state = 'PENDING'",
            collection_id,
            distributed_id,
        )
        return found[0] if found else None

    def logged_by(self, run_id: int) -> list[Artifact]:
        """The committed artifacts that a run has logged, in creation order."""
        return self._many(
            "SELECT a.* FROM artifacts a JOIN artifact_logs l ON l.artifact_id = a.id"
            " WHERE l.run_id = ? AND a.state = 'COMMITTED' ORDER BY a.id",
            run_id,
        )

    def logged_by_alone(self, run_id: int) -> list[Artifact]:
        """Those of them that no other run has logged."""
        sql = "SELECT count(*) FROM artifact_logs WHERE artifact_id = ?"
        return [a for a in self.logged_by(run_id) if self._db.scalar(sql, a.id) == 1]

    def used_by(self, run_id: int) -> list[Artifact]:
        """The artifacts that a run has used."""
        return self._many(
            "SELECT a.* FROM artifacts a JOIN artifact_uses u ON u.artifact_id = a.id"
            " WHERE u.run_id = ? ORDER BY a.id",
            run_id,
        )

    def _many(self, sql: str, *values: Any) -> list[Artifact]:
        return [Artifact(**decoded("artifacts", row)) for row in self._db.all(sql, *values)]

    def create(self, collection_id: int, wanted_aliases: list[str], **values: Any) -> Artifact:
        """Add a pending artifact."""
        artifact_id = self._db.insert(
            "artifacts",
            collection_id=collection_id,
            state="PENDING",
            created_at=now(),
            updated_at=now(),
            **encoded("artifacts", values | {"wanted_aliases": wanted_aliases}),
        )
        artifact = self.get(artifact_id)
        assert artifact is not None
        return artifact

    def update(self, artifact_id: int, **values: Any) -> None:
        """Set columns of an artifact."""
        self._db.update("artifacts", artifact_id, updated_at=now(), **encoded("artifacts", values))

    def delete(self, artifact_id: int) -> None:
        """Remove an artifact with its memberships and aliases."""
        self._db.write("DELETE FROM artifacts WHERE id = ?", artifact_id)

    def add_log(self, run_id: int, artifact_id: int) -> None:
        """Note that a run logs an artifact, be it made by another one."""
        self._db.write(
            "INSERT INTO artifact_logs (run_id, artifact_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
            run_id,
            artifact_id,
        )

    def add_use(self, run_id: int, artifact_id: int) -> None:
        """Note that a run uses an artifact."""
        self._db.write(
            "INSERT INTO artifact_uses (run_id, artifact_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
            run_id,
            artifact_id,
        )

    def users(self, artifact_id: int) -> list[int]:
        """Ids of the runs that use an artifact."""
        sql = "SELECT run_id FROM artifact_uses WHERE artifact_id = ? ORDER BY run_id"
        return [row["run_id"] for row in self._db.all(sql, artifact_id)]

    # Versions and aliases

    def memberships(
        self, *, collection_id: int | None = None, artifact_id: int | None = None
    ) -> list[Membership]:
        """The versions of a collection, or the collections of an artifact, oldest first."""
        column = "collection_id" if collection_id is not None else "artifact_id"
        value = collection_id if collection_id is not None else artifact_id
        rows = self._db.all(f"SELECT * FROM memberships WHERE {column} = ? ORDER BY id", value)
        return [Membership(**dict(row)) for row in rows]

    def add_version(self, collection_id: int, artifact_id: int, aliases: list[str]) -> Membership:
        """Make an artifact the newest version of a collection, if it is not yet a member."""
        with self._db.transaction():
            for membership in self.memberships(artifact_id=artifact_id):
                if membership.collection_id == collection_id:
                    break
            else:
                last = self._db.scalar(
                    "SELECT max(version) FROM memberships WHERE collection_id = ?", collection_id
                )
                self._db.insert(
                    "memberships",
                    collection_id=collection_id,
                    artifact_id=artifact_id,
                    version=0 if last is None else last + 1,
                    created_at=now(),
                )
                membership = self.memberships(artifact_id=artifact_id)[-1]
                self.set_aliases(collection_id, artifact_id, ["latest"])
            self.set_aliases(collection_id, artifact_id, aliases)
            return membership

    def remove_version(self, collection_id: int, artifact_id: int) -> None:
        """Take an artifact out of a collection."""
        with self._db.transaction():
            for table in ("memberships", "aliases"):
                self._db.write(
                    f"DELETE FROM {table} WHERE collection_id = ? AND artifact_id = ?",
                    collection_id,
                    artifact_id,
                )

    def resolve(self, collection_id: int, alias: str) -> Membership | None:
        """The version of a collection that an alias, ``vN`` or a digest means."""
        row = self._db.one(
            "SELECT m.* FROM memberships m JOIN aliases a"
            " ON a.collection_id = m.collection_id AND a.artifact_id = m.artifact_id"
            " WHERE m.collection_id = ? AND a.alias = ?",
            collection_id,
            alias,
        ) or self._db.one(
            "SELECT m.* FROM memberships m JOIN artifacts a ON a.id = m.artifact_id"
            " WHERE m.collection_id = ? AND ('v' || m.version = ? OR a.digest = ?)"
            " ORDER BY m.version DESC",
            collection_id,
            alias,
            alias,
        )
        return Membership(**dict(row)) if row else None

    def set_aliases(self, collection_id: int, artifact_id: int, aliases: list[str]) -> None:
        """Let aliases of a collection mean this artifact from now on."""
        self._db.write_many(
            "INSERT INTO aliases (collection_id, artifact_id, alias) VALUES (?, ?, ?)"
            " ON CONFLICT (collection_id, alias) DO UPDATE SET artifact_id = excluded.artifact_id",
            [(collection_id, artifact_id, alias) for alias in aliases],
        )

    def drop_aliases(self, collection_id: int, artifact_id: int, aliases: list[str]) -> None:
        """Remove aliases of an artifact in a collection."""
        self._db.write_many(
            "DELETE FROM aliases WHERE collection_id = ? AND artifact_id = ? AND alias = ?",
            [(collection_id, artifact_id, alias) for alias in aliases],
        )

    def aliases(self, collection_id: int, artifact_id: int | None = None) -> list[Alias]:
        """The aliases of a collection, or of one artifact in it."""
        where, values = ("AND artifact_id = ?", (artifact_id,)) if artifact_id else ("", ())
        rows = self._db.all(
            f"SELECT id, alias, artifact_id FROM aliases WHERE collection_id = ? {where}"
            " ORDER BY id",
            collection_id,
            *values,
        )
        return [Alias(**dict(row)) for row in rows]

    def tags(self, artifact_id: int) -> list[Tag]:
        """An artifact's tags."""
        sql = "SELECT id, name FROM tags WHERE artifact_id = ? ORDER BY name"
        return [Tag(**dict(row)) for row in self._db.all(sql, artifact_id)]

    def change_tags(self, artifact_id: int, add: list[str], remove: list[str]) -> None:
        """Add and remove tags of an artifact."""
        with self._db.transaction():
            self._db.write_many(
                "INSERT INTO tags (artifact_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [(artifact_id, name) for name in add],
            )
            self._db.write_many(
                "DELETE FROM tags WHERE artifact_id = ? AND name = ?",
                [(artifact_id, name) for name in remove],
            )
