"""What an identifier that a client sent, or a row that refers to another, means."""

from src.wandb_server.api.ids import decode_id
from src.wandb_server.context import Server
from src.wandb_server.errors import NotFoundError
from src.wandb_server.store.artifacts import Artifact
from src.wandb_server.store.collections import Collection
from src.wandb_server.store.projects import Project
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep


def artifact_by_key(server: Server, artifact_id: int) -> Artifact:
    """The artifact with this row id.

    Raises:
        NotFoundError: There is none.
    """
    artifact = server.store.artifacts.get(artifact_id)
    if artifact is None:
        raise NotFoundError("no such artifact")
    return artifact


def artifact_by_id(server: Server, value: str) -> Artifact:
    """The artifact that an opaque id names.

    Raises:
        NotFoundError: There is none.
    """
    return artifact_by_key(server, decode_id("Artifact", value))


def collection_by_key(server: Server, collection_id: int) -> Collection:
    """The collection with this row id.

    Raises:
        NotFoundError: There is none.
    """
    collection = server.store.collections.get(collection_id)
    if collection is None:
        raise NotFoundError("no such artifact collection")
    return collection


def run_by_id(server: Server, value: str) -> Run:
    """The run that an opaque id names.

    Raises:
        NotFoundError: There is none.
    """
    run = server.store.runs.get(decode_id("Run", value))
    if run is None:
        raise NotFoundError("no such run")
    return run


def find_sweep(server: Server, project: Project, name: str) -> Sweep | None:
    """A sweep of a project by its name (W&B's sweep id) or its opaque id."""
    sweep = server.store.sweeps.find(project.id, name) or sweep_by_id(server, name)
    return sweep if sweep is not None and sweep.project_id == project.id else None


def sweep_by_id(server: Server, value: str) -> Sweep | None:
    """The sweep that an opaque id names; None if it is no such id."""
    try:
        return server.store.sweeps.get(decode_id("Sweep", value))
    except NotFoundError:
        return None
