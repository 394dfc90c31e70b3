"""Projects and what is reached through them."""

from typing import Any

from src.shared.defaults import ENTITY, PROJECT
from src.wandb_server.api.arguments import Args
from src.wandb_server.api.connections import connection
from src.wandb_server.api.ids import encode_id
from src.wandb_server.api.resolvers import collections, runs, sweeps, views
from src.wandb_server.api.resolvers.viewer import entity_node, user_node
from src.wandb_server.context import Server
from src.wandb_server.store.sweeps import Project


def project_info(project: Project) -> dict[str, Any]:
    """The plain fields of a project."""
    return {
        "__typename": "Project",
        "id": encode_id("Project", project.id),
        "internalId": encode_id("ProjectInternalId", project.id),
        "name": project.name,
        "entityName": project.entity,
        "entity": entity_node(project.entity),
        "description": project.description,
        "createdAt": project.created_at,
        "isBenchmark": False,
        "readOnly": False,
        "access": "PRIVATE",
        "views": "{}",
        "user": user_node(),
    }


def project_node(server: Server, project: Project) -> dict[str, Any]:
    """A project with its runs, sweeps and artifacts."""
    return (
        project_info(project)
        | runs.project_fields(server, project)
        | sweeps.project_fields(server, project)
        | collections.project_fields(server, project)
        | views.project_fields(server, project)
    )


def _project(server: Server, args: Args) -> dict[str, Any] | None:
    project = server.project_at(args.optional("entityName"), args.optional("name"))
    return project_node(server, project) if project else None


def _projects(server: Server, args: Args) -> dict[str, Any]:
    projects = server.store.projects.all(args.optional("entityName") or ENTITY)
    return connection(projects[::-1], args, lambda project: project_node(server, project))


def _upsert_project(server: Server, args: Args) -> dict[str, Any]:
    given = args.input()
    entity = given.name("entityName", ENTITY)
    name = given.name("name", PROJECT)
    inserted = server.store.projects.find(entity, name) is None
    project = server.store.projects.ensure(entity, name)
    if (description := given.optional("description")) is not None:
        server.store.projects.update(project.id, description=description)
    node = project_node(server, server.store.projects.get(project.id))
    return {
        "__typename": "UpsertModelPayload",
        "project": node,
        "model": node,
        "inserted": inserted,
    }


QUERIES = {"project": _project, "model": _project, "models": _projects, "projects": _projects}
MUTATIONS = {"upsertModel": _upsert_project}
