"""What artifacts consist of: manifests and files."""

from src.wandb_server.store.artifacts import Manifest
from src.wandb_server.store.database import Database
from src.wandb_server.store.files import StoredFile, stored_file


class Contents:
    """Queries and changes of the manifests and files of artifacts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def manifests(self, artifact_id: int) -> list[Manifest]:
        """The manifests of an artifact, oldest first."""
        sql = "SELECT * FROM manifests WHERE artifact_id = ? ORDER BY id"
        return [Manifest(**dict(row)) for row in self._db.all(sql, artifact_id)]

    def manifest(self, manifest_id: int) -> Manifest | None:
        """The manifest with this id."""
        row = self._db.one("SELECT * FROM manifests WHERE id = ?", manifest_id)
        return Manifest(**dict(row)) if row else None

    def add_manifest(
        self, artifact_id: int, name: str, kind: str, digest: str, base_id: int | None, blob_id: str
    ) -> Manifest:
        """Register a manifest whose content will be uploaded."""
        manifest_id = self._db.insert(
            "manifests",
            artifact_id=artifact_id,
            name=name,
            kind=kind,
            digest=digest,
            base_id=base_id,
            blob_id=blob_id,
        )
        found = self.manifest(manifest_id)
        assert found is not None
        return found

    def update_manifest(self, manifest_id: int, **values: str | int | None) -> None:
        """Set columns of a manifest."""
        self._db.update("manifests", manifest_id, **values)

    def set_files(
        self, artifact_id: int, blobs: dict[str, str], references: dict[str, str]
    ) -> None:
        """Record the files of an artifact: blob ids, and addresses of what is kept elsewhere."""
        self._db.write_many(
            "INSERT OR REPLACE INTO artifact_files (artifact_id, name, blob_id, reference)"
            " VALUES (?, ?, ?, ?)",
            [(artifact_id, name, blob_id, None) for name, blob_id in blobs.items()]
            + [(artifact_id, name, None, address) for name, address in references.items()],
        )

    def files(self, artifact_id: int) -> list[StoredFile]:
        """The files of an artifact in order of name."""
        rows = self._db.all(
            "SELECT f.artifact_id || '/' || f.name AS id, f.name, f.blob_id, b.size, b.md5,"
            " b.updated_at, f.reference FROM artifact_files f LEFT JOIN blobs b ON b.id = f.blob_id"
            " WHERE f.artifact_id = ? ORDER BY f.name",
            artifact_id,
        )
        return [stored_file(row) for row in rows]
