"""Artifacts."""

from typing import Any

from src.wandb_server.context import Server
from src.wandb_server.resolvers.types import Resolvers
from src.wandb_server.store.sweeps import Project


def project_fields(server: Server, project: Project) -> dict[str, Any]:
    return {}


def run_fields(server: Server, run: Any) -> dict[str, Any]:
    return {}


QUERIES: Resolvers = {}
MUTATIONS: Resolvers = {}
