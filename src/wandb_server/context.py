"""What resolvers work with."""

from dataclasses import dataclass

from src.shared.defaults import ENTITY, PROJECT
from src.wandb_server.errors import NotFoundError
from src.wandb_server.scheduling.liveness import Liveness
from src.wandb_server.scheduling.scheduler import Scheduler
from src.wandb_server.store import Store
from src.wandb_server.store.blobs import BlobStorage
from src.wandb_server.store.projects import Project
from src.wandb_server.store.runs import Run


@dataclass(frozen=True)
class Server:
    """The parts of a running server.

    ``key_name`` is the beginning of the API key. ``base_url`` is set per request from its Host
    header: addresses that are handed out must work from where the client is.
    """

    store: Store
    blobs: BlobStorage
    liveness: Liveness
    scheduler: Scheduler
    key_name: str = ""
    base_url: str = ""

    def blob_url(self, blob_id: str) -> str:
        """The signed address of a content."""
        return self.blobs.url(self.base_url, blob_id)

    def run_at(self, entity: str | None, project: str | None, name: str) -> Run:
        """The run at an address.

        Raises:
            NotFoundError: If there is none.
        """
        found = self.project_at(entity, project)
        if found is None:
            raise NotFoundError(f"no run {name} in project {project or PROJECT}")
        return self.run_in(found, name)

    def run_in(self, project: Project, name: str) -> Run:
        """The run of a project with this name.

        Raises:
            NotFoundError: If there is none.
        """
        run = self.store.runs.find(project.id, name)
        if run is None:
            raise NotFoundError(f"no run {name} in project {project.name}")
        return run

    def project_at(self, entity: str | None, project: str | None) -> Project | None:
        """The project at an address, with the defaults that apply when a part is absent."""
        return self.store.projects.find(entity or ENTITY, project or PROJECT)
