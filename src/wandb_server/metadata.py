"""What the client tells of a run's program and machine, in a file of the run."""

import json
from typing import Any

from src.wandb_server.store.blobs import BlobStorage
from src.wandb_server.store.files import StoredFile

METADATA = "wandb-metadata.json"


def metadata_of(blobs: BlobStorage, file: StoredFile | None) -> dict[str, Any]:
    """What the file says; nothing if there is none, or it cannot be read."""
    try:
        content = json.loads(blobs.path(file.blob_id).read_bytes()) if file else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def arguments_of(metadata: dict[str, Any]) -> list[str]:
    """What the program was started with."""
    given = metadata.get("args")
    return [str(part) for part in given] if isinstance(given, list) else []


def repository_of(metadata: dict[str, Any]) -> dict[str, str]:
    """The ``remote`` and the ``commit`` of the program's code, those that are known."""
    git = metadata.get("git")
    known = git if isinstance(git, dict) else {}
    return {key: known[key] for key in ("remote", "commit") if isinstance(known.get(key), str)}
