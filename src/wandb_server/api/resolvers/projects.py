"""Projects and what is reached through them."""

from typing import Any

from src.shared.defaults import ENTITY, PROJECT, UNNAMED_PROJECT
from src.wandb_server.api.arguments import Args
from src.wandb_server.api.connections import chosen, connection
from src.wandb_server.api.filters import Fields, camel_too
from src.wandb_server.api.resolvers import collections, runs, sweeps, views
from src.wandb_server.api.resolvers.nodes import node, project_info
from src.wandb_server.context import Server
from src.wandb_server.store.projects import Project

_FIELDS: Fields[Project] = camel_too(
    {
        "name": lambda project: project.name,
        "entity_name": lambda project: project.entity,
        "description": lambda project: project.description,
        "created_at": lambda project: project.created_at,
    }
)


@node.register
def project_node(project: Project, server: Server) -> dict[str, Any]:
    """A project with its runs, sweeps and artifacts."""
    return (
        project_info(project)
        | runs.project_fields(server, project)
        | sweeps.project_fields(server, project)
        | collections.project_fields(server, project)
        | views.project_fields(server, project)
    )


def _project(server: Server, args: Args) -> dict[str, Any] | None:
    name = args.optional("name") or UNNAMED_PROJECT
    project = server.project_at(args.optional("entityName"), name)
    return node(project, server) if project else None


def _projects(server: Server, args: Args) -> dict[str, Any]:
    projects = server.store.projects.all(args.optional("entityName") or ENTITY)
    page = chosen(projects, _FIELDS, args, newest_first=True)
    return connection(page, args, lambda project: node(project, server))


def _upsert_project(server: Server, args: Args) -> dict[str, Any]:
    given = args.input()
    entity = given.name("entityName", ENTITY)
    name = given.name("name", PROJECT)
    inserted = server.store.projects.find(entity, name) is None
    project = server.store.projects.ensure(entity, name)
    if (description := given.optional("description")) is not None:
        server.store.projects.update(project.id, description=description)
    changed = node(server.store.projects.get(project.id), server)
    return {
        "__typename": "UpsertModelPayload",
        "project": changed,
        "model": changed,
        "inserted": inserted,
    }


QUERIES = {"project": _project, "model": _project, "models": _projects, "projects": _projects}
MUTATIONS = {"upsertModel": _upsert_project}
