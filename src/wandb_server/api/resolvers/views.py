"""Saved views: reports and workspaces."""

import json
from typing import Any

from src.shared.defaults import ENTITY, PROJECT
from src.wandb_server.api.arguments import Args
from src.wandb_server.api.connections import chosen, connection
from src.wandb_server.api.filters import Fields, camel_too
from src.wandb_server.api.ids import decode_id, encode_id
from src.wandb_server.api.resolvers.nodes import node, project_info, user_node
from src.wandb_server.api.resolvers.types import Resolvers
from src.wandb_server.context import Server
from src.wandb_server.errors import NotFoundError
from src.wandb_server.store.projects import Project
from src.wandb_server.store.views import View

_FIELDS: Fields[View] = camel_too(
    {
        "name": lambda view: view.name,
        "type": lambda view: view.type,
        "display_name": lambda view: view.display_name,
        "created_at": lambda view: view.created_at,
        "updated_at": lambda view: view.updated_at,
    }
)


def project_fields(server: Server, project: Project) -> dict[str, Any]:
    """What a project's node says about its views."""

    def views(args: Args) -> dict[str, Any]:
        wanted, name = args.optional("viewType"), args.optional("viewName")
        found = [
            view
            for view in server.store.views.of_project(project.id)
            if (wanted is None or view.type == wanted) and (name is None or view.name == name)
        ]
        page = chosen(found, _FIELDS, args, newest_first=True)
        return connection(page, args, lambda view: node(view, server))

    return {"allViews": views}


@node.register
def view_node(view: View, server: Server) -> dict[str, Any]:
    """A saved view."""
    project = server.store.projects.get(view.project_id)
    return {
        "__typename": "View",
        "id": encode_id("View", view.id),
        "name": view.name,
        "type": view.type,
        "displayName": view.display_name,
        "description": view.description,
        "spec": json.dumps(view.spec),
        "createdAt": view.created_at,
        "updatedAt": view.updated_at,
        "previewUrl": None,
        "entityName": project.entity,
        "user": user_node() | {"photoUrl": None},
        "project": project_info(project),
    }


def _view_by_id(server: Server, value: str) -> View:
    view = server.store.views.get(decode_id("View", value))
    if view is None:
        raise NotFoundError("no such view")
    return view


def _view(server: Server, args: Args) -> dict[str, Any]:
    return node(_view_by_id(server, args.text("id")), server)


def _upsert(server: Server, args: Args) -> dict[str, Any]:
    given = args.input()
    wanted = {
        "type": given.optional("type"),
        "display_name": given.optional("displayName"),
        "description": given.optional("description"),
        "spec": given.json_object("spec"),
    }
    values = {name: value for name, value in wanted.items() if value is not None}
    if given.optional("id"):
        view, inserted = _view_by_id(server, given.text("id")), False
        server.store.views.update(view.id, **values)
    else:
        project = server.store.projects.ensure(
            given.name("entityName", ENTITY), given.name("projectName", PROJECT)
        )
        named = {"type": "runs", "spec": {}} | values
        view = server.store.views.create(project.id, given.optional("name"), **named)
        inserted = True
    changed = server.store.views.get(view.id)
    assert changed is not None
    return {
        "__typename": "UpsertViewPayload",
        "view": node(changed, server),
        "inserted": inserted,
    }


def _delete(server: Server, args: Args) -> dict[str, Any]:
    server.store.views.delete(_view_by_id(server, args.input().text("id")).id)
    return {"__typename": "DeleteViewPayload", "success": True, "pendingDrafts": None}


QUERIES: Resolvers = {"view": _view}
MUTATIONS: Resolvers = {"upsertView": _upsert, "deleteView": _delete}
