"""The one function that makes a node of anything stored, and the nodes that need nothing else.

Nodes reach each other in circles: a run has artifacts, which have runs. So the module of each kind
registers its builder here, and asks :func:`node` for the nodes of the other kinds.
"""

from functools import singledispatch
from typing import Any

from src.shared.defaults import ENTITY
from src.wandb_server.api.connections import edges
from src.wandb_server.api.filters import Fields, camel_too
from src.wandb_server.api.ids import encode_id
from src.wandb_server.context import Server
from src.wandb_server.store.artifacts import Alias
from src.wandb_server.store.collections import Collection, Tag
from src.wandb_server.store.files import StoredFile
from src.wandb_server.store.projects import Project

Node = dict[str, Any]

# What filters and orders of files may name; they are kept by name.
FILE_FIELDS: Fields[StoredFile] = camel_too(
    {
        "name": lambda file: file.name,
        "size_bytes": lambda file: file.size,
        "md5": lambda file: file.md5,
        "updated_at": lambda file: file.updated_at,
    }
)


@singledispatch
def node(stored: Any, server: Server) -> Node:
    """The node of something stored: a run, a sweep, an artifact, ..."""
    raise TypeError(f"no node is made of {type(stored).__name__}")


def user_node() -> Node:
    """The one user, whose key every client has."""
    return {
        "__typename": "User",
        "id": encode_id("User", ENTITY),
        "name": ENTITY,
        "username": ENTITY,
        "email": None,
        "admin": False,
        "flags": "{}",
        "entity": ENTITY,
        "deletedAt": None,
        "apiKeys": None,  # told to the viewer alone
        "teams": edges([{"__typename": "Entity", "name": ENTITY}]),
        "organizations": [],
    }


def entity_node(name: str) -> Node:
    """An owner of projects; there are no organizations here."""
    return {
        "__typename": "Entity",
        "id": encode_id("Entity", name),
        "name": name,
        "organization": None,
        "user": user_node(),
        "isTeam": False,
        "xxhashDigestsEnabled": False,
    }


def project_info(project: Project) -> Node:
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
        "triggers": [],  # there are no automations
    }


def alias_node(alias: Alias) -> Node:
    """A name of an artifact within a collection."""
    return {
        "__typename": "ArtifactAlias",
        "id": encode_id("ArtifactAlias", alias.id),
        "alias": alias.alias,
    }


def tag_node(tag: Tag) -> Node:
    """A tag of a collection or of an artifact."""
    return {"__typename": "Tag", "id": encode_id("Tag", tag.id), "name": tag.name}


def collection_info(collection: Collection, server: Server) -> Node:
    """The plain fields of a collection."""
    artifact_type = {"__typename": "ArtifactType", "name": collection.type}
    return {
        "__typename": collection.kind,
        "id": encode_id("ArtifactCollection", collection.id),
        "name": collection.name,
        "description": collection.description,
        "createdAt": collection.created_at,
        "updatedAt": collection.updated_at,
        "state": "READY",
        "project": project_info(server.store.projects.get(collection.project_id)),
        "defaultArtifactType": artifact_type,
        "type": artifact_type,
    }
