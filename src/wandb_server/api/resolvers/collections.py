"""Collections of artifacts, types and versions as nodes."""

from collections.abc import Callable
from typing import Any

from src.wandb_server.api.arguments import Args
from src.wandb_server.api.connections import chosen, connection, edges
from src.wandb_server.api.filters import Fields, camel_too
from src.wandb_server.api.ids import decode_id, encode_id
from src.wandb_server.api.lookups import artifact_by_key, collection_by_key
from src.wandb_server.api.resolvers import artifacts
from src.wandb_server.api.resolvers.nodes import alias_node, collection_info, node, tag_node
from src.wandb_server.api.resolvers.types import Resolvers
from src.wandb_server.context import Server
from src.wandb_server.store.artifacts import Artifact, Membership
from src.wandb_server.store.collections import Collection
from src.wandb_server.store.projects import Project

Node = dict[str, Any]


def project_fields(server: Server, project: Project) -> Node:
    """What a project's node says about its artifacts."""

    def collection(args: Args) -> Node | None:
        found = server.store.collections.find(project.id, args.text("name"))
        return node(found, server) if found else None

    def membership(args: Args) -> Node | None:
        found = _resolve(server, project, args.text("name"))
        return node(found, server) if found else None

    def artifact(args: Args) -> Node | None:
        found = _resolve(server, project, args.text("name"))
        return node(artifact_by_key(server, found.artifact_id), server) if found else None

    def type_names() -> list[str]:
        return sorted({c.type for c in server.store.collections.of_project(project.id)})

    def one_type(args: Args) -> Node | None:
        name = args.text("name")
        return _type_node(server, project, name) if name in type_names() else None

    def collections(args: Args) -> Node:
        return _collections(server, server.store.collections.of_project(project.id), args)

    return {
        "artifact": artifact,
        "artifactCollection": collection,
        "artifactCollections": collections,
        "artifactCollectionMembership": membership,
        "artifactType": one_type,
        "artifactTypes": lambda args: connection(
            type_names(), args, lambda name: _type_node(server, project, name)
        ),
    }


def _resolve(server: Server, project: Project, name: str) -> Membership | None:
    """The version that ``collection:alias`` (by default ``latest``) means."""
    collection_name, _, alias = name.partition(":")
    collection = server.store.collections.find(project.id, collection_name)
    if collection is None:
        return None
    return server.store.artifacts.resolve(collection.id, alias or "latest")


def _type_node(server: Server, project: Project, name: str) -> Node:
    of_type = [c for c in server.store.collections.of_project(project.id) if c.type == name]

    def one(args: Args) -> Node | None:
        found = [c for c in of_type if c.name == args.text("name")]
        return node(found[0], server) if found else None

    return {
        "__typename": "ArtifactType",
        "id": encode_id("ArtifactType", f"{project.id}:{name}"),
        "name": name,
        "description": None,
        "createdAt": of_type[0].created_at if of_type else project.created_at,
        "artifactCollection": one,
        "artifactCollections": lambda args: _collections(server, of_type, args),
    }


def _collections(server: Server, found: list[Collection], args: Args) -> Node:
    fields: Fields[Collection] = camel_too(
        {
            "name": lambda collection: collection.name,
            "description": lambda collection: collection.description,
            "created_at": lambda collection: collection.created_at,
            "updated_at": lambda collection: collection.updated_at,
            "tag": lambda collection: [
                tag.name for tag in server.store.collections.tags(collection.id)
            ],
        }
    )
    page = chosen(found, fields, args, newest_first=True)
    return connection(page, args, lambda collection: node(collection, server))


@node.register
def collection_node(collection: Collection, server: Server) -> Node:
    """A collection with its versions, aliases and tags."""
    store = server.store.artifacts

    def members() -> list[Membership]:
        return store.memberships(collection_id=collection.id)

    def member_artifact(membership: Membership) -> Node:
        return node(artifact_by_key(server, membership.artifact_id), server)

    def versions(args: Args) -> Node:
        found = chosen(members(), _version_fields(server), args, newest_first=True)
        page = connection(found, args, member_artifact)
        start = int(page["edges"][0]["cursor"]) - 1 if page["edges"] else 0
        for membership, edge in zip(found[start:], page["edges"], strict=False):
            edge["version"] = f"v{membership.version}"
        return page

    def alias_member(args: Args) -> Node | None:
        found = store.resolve(collection.id, args.text("aliasName"))
        return node(found, server) if found else None

    def latest(_: Args) -> Node | None:
        found = members()
        return member_artifact(found[-1]) if found else None

    return collection_info(collection, server) | {
        "tags": lambda _: edges(
            tag_node(row) for row in server.store.collections.tags(collection.id)
        ),
        "aliases": lambda args: connection(store.aliases(collection.id), args, alias_node, 1000),
        "artifacts": versions,
        "artifactMembership": alias_member,
        "artifactMemberships": lambda args: connection(
            chosen(members(), _version_fields(server), args, newest_first=True),
            args,
            lambda m: node(m, server),
        ),
        "latestArtifact": latest,
    }


def _version_fields(server: Server) -> Fields[Membership]:
    """What filters and orders of a collection's versions may name."""

    def of_artifact(field: Callable[[Artifact], Any]) -> Callable[[Membership], Any]:
        return lambda m: field(artifact_by_key(server, m.artifact_id))

    def aliases(m: Membership) -> list[str]:
        rows = server.store.artifacts.aliases(m.collection_id, m.artifact_id)
        return [row.alias for row in rows]

    fields = artifacts.artifact_fields(server)
    return {
        **{name: of_artifact(field) for name, field in fields.items()},
        **camel_too({"version_index": lambda m: m.version, "alias": aliases}),
    }


@node.register
def membership_node(membership: Membership, server: Server) -> Node:
    """An artifact as a version of a collection."""
    collection = collection_by_key(server, membership.collection_id)
    artifact = artifact_by_key(server, membership.artifact_id)
    aliases = server.store.artifacts.aliases(collection.id, artifact.id)
    return {
        "__typename": "ArtifactCollectionMembership",
        "id": encode_id("ArtifactCollectionMembership", membership.id),
        "versionIndex": membership.version,
        "createdAt": membership.created_at,
        "aliases": [alias_node(row) for row in aliases],
        "artifactCollection": node(collection, server),
        "artifact": node(artifact, server),
        "files": lambda args: artifacts.artifact_files(server, artifact, args),
    }


def _collection(server: Server, args: Args) -> Node | None:
    found = server.store.collections.get(decode_id("ArtifactCollection", args.text("id")))
    return node(found, server) if found else None


QUERIES: Resolvers = {"artifactCollection": _collection}
