"""Where pages and files are: at the addresses that the client prints."""

from urllib.parse import quote

from src.wandb_server.api.ids import encode_id
from src.wandb_server.store.artifacts import Artifact
from src.wandb_server.store.projects import Project
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep
from src.wandb_server.store.views import View


def project_url(project: Project) -> str:
    """The address of a project's page."""
    return f"/{quote(project.entity, safe='')}/{quote(project.name, safe='')}"


def run_url(project: Project, run: Run) -> str:
    """The address of a run's page."""
    return f"{project_url(project)}/runs/{quote(run.name, safe='')}"


def sweep_url(project: Project, sweep: Sweep) -> str:
    """The address of a sweep's page."""
    return f"{project_url(project)}/sweeps/{quote(sweep.name, safe='')}"


def report_url(project: Project, view: View) -> str:
    """The address of a report's page; the client's has the title before the dashes."""
    return f"{project_url(project)}/reports/--{encode_id('View', view.id).rstrip('=')}"


def run_file_url(page: str, name: str) -> str:
    """Where a file of a run is downloaded, below the address of the run's page."""
    return f"{page}/files/{quote(name)}"


def artifact_file_url(project: Project, artifact: Artifact, name: str) -> str:
    """Where a file of an artifact is downloaded."""
    return f"{project_url(project)}/artifacts/{artifact.id}/{quote(name)}"
