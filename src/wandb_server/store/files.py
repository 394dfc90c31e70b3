"""Records of uploaded contents (blobs) and of the files of runs that name them."""

import uuid
from dataclasses import dataclass

from src.wandb_server.store.connection import Row
from src.wandb_server.store.database import Database
from src.wandb_server.store.stamps import now


@dataclass(frozen=True)
class StoredFile:
    """A named file; ``size`` is None until its content has arrived.

    A file of an artifact may be a mere reference to an address where its content is.
    """

    id: str
    name: str
    blob_id: str
    size: int | None
    md5: str | None
    updated_at: str | None
    reference: str | None = None


@dataclass(frozen=True)
class Blob:
    """A content; ``expected_md5`` (base64) is what an artifact's entry promises it to be."""

    id: str
    expected_md5: str | None
    size: int | None
    md5: str | None
    updated_at: str | None


class Files:
    """Queries and changes of blobs and run files."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def blob(self, blob_id: str) -> Blob | None:
        """The blob with this id."""
        row = self._db.one("SELECT * FROM blobs WHERE id = ?", blob_id)
        return Blob(**dict(row)) if row else None

    def add_blob(self) -> str:
        """Reserve a blob whose content may change."""
        blob_id = uuid.uuid4().hex
        self._db.insert("blobs", id=blob_id)
        return blob_id

    def content_blob(self, md5: str) -> Blob:
        """The blob for a content with this MD5 (base64): equal contents are stored once."""
        with self._db.transaction():
            blob = self.find_content(md5)
            if blob is None:
                self._db.insert("blobs", id=uuid.uuid4().hex, expected_md5=md5)
                blob = self.find_content(md5)
                assert blob is not None
            return blob

    def find_content(self, md5: str) -> Blob | None:
        """The blob that was promised this MD5 (base64)."""
        row = self._db.one("SELECT * FROM blobs WHERE expected_md5 = ?", md5)
        return Blob(**dict(row)) if row else None

    def received(self, blob_id: str, size: int, md5: str) -> None:
        """Note that a blob's content is on disk."""
        self._db.update("blobs", blob_id, size=size, md5=md5, updated_at=now())

    def total_size(self) -> int:
        """How many bytes all contents have."""
        return int(self._db.scalar("SELECT ifnull(sum(size), 0) FROM blobs"))

    def run_file(self, run_id: int, name: str) -> StoredFile:
        """The file of a run with this name, registered when it is not there."""
        with self._db.transaction():
            found = self.run_files(run_id, name)
            if found:
                return found[0]
            self._db.insert("run_files", run_id=run_id, name=name, blob_id=self.add_blob())
            return self.run_files(run_id, name)[0]

    def run_files(self, run_id: int, name: str | None = None) -> list[StoredFile]:
        """The files of a run, or the one with this name, in order of name."""
        where, values = ("AND f.name = ?", (name,)) if name is not None else ("", ())
        rows = self._db.all(
            "SELECT f.id, f.name, f.blob_id, b.size, b.md5, b.updated_at"
            f" FROM run_files f JOIN blobs b ON b.id = f.blob_id WHERE f.run_id = ? {where}"
            " ORDER BY f.name",
            run_id,
            *values,
        )
        return [stored_file(row) for row in rows]

    def delete_run_file(self, file_id: int) -> None:
        """Forget a file of a run."""
        self._db.write("DELETE FROM run_files WHERE id = ?", file_id)


def stored_file(row: Row) -> StoredFile:
    """A row of a query over files joined with blobs."""
    return StoredFile(**(dict(row) | {"id": str(row["id"])}))
