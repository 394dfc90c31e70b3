"""Files of runs and artifacts for the browser: as downloads, and pictures as pictures.

Nothing that was logged ever becomes a page of this origin: all but four raster formats, told by
their first bytes, are sent as attachments of no particular type, in a sandbox.
"""

from pathlib import Path
from urllib.parse import quote

from starlette.responses import FileResponse

from src.wandb_server.context import Server
from src.wandb_server.dashboard.rendering import SAFE_HEADERS
from src.wandb_server.errors import NotFoundError
from src.wandb_server.store.files import StoredFile
from src.wandb_server.store.projects import Project
from src.wandb_server.store.runs import Run

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)


def run_file(server: Server, run: Run, name: str, *, view: bool) -> FileResponse:
    """A file of a run."""
    return _send(server, server.store.files.run_files(run.id, name), view=view)


def artifact_file(server: Server, project: Project, artifact_id: str, name: str) -> FileResponse:
    """A file of an artifact of the project."""
    number = int(artifact_id) if artifact_id.isascii() and artifact_id.isdigit() else 0
    artifact = server.store.artifacts.get(number) if number < 2**53 else None
    collection = server.store.collections.get(artifact.collection_id) if artifact else None
    if artifact is None or collection is None or collection.project_id != project.id:
        raise NotFoundError("no such artifact")
    files = [f for f in server.store.contents.files(artifact.id) if f.name == name]
    return _send(server, files, view=False)


def _send(server: Server, files: list[StoredFile], *, view: bool) -> FileResponse:
    path = server.blobs.path(files[0].blob_id) if files else None
    if path is None or not path.is_file():
        raise NotFoundError("no such file")
    headers = {"Content-Security-Policy": "sandbox; default-src 'none'", **SAFE_HEADERS}
    kind = _raster(path) if view else None
    if kind is None:
        name = quote(files[0].name.rpartition("/")[2], safe="")
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    return FileResponse(path, media_type=kind or "application/octet-stream", headers=headers)


def _raster(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(16)
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _SIGNATURES if start.startswith(magic)), None)
