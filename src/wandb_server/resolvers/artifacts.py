"""Artifacts and collections as nodes, and the queries that reach them."""

import json
from typing import Any

from src.wandb_server.arguments import Args
from src.wandb_server.connections import connection, edges
from src.wandb_server.context import Server
from src.wandb_server.errors import NotFoundError
from src.wandb_server.filters import selected
from src.wandb_server.ids import decode_id, encode_id
from src.wandb_server.resolvers import projects, runs
from src.wandb_server.resolvers.types import Resolvers
from src.wandb_server.store.artifacts import Artifact, Collection, Membership
from src.wandb_server.store.files import StoredFile
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Project

Node = dict[str, Any]


def project_fields(server: Server, project: Project) -> Node:
    """What a project's node says about its artifacts."""

    def collection(args: Args) -> Node | None:
        found = server.store.artifacts.find_collection(project.id, args.text("name"))
        return collection_node(server, found) if found else None

    def membership(args: Args) -> Node | None:
        found = _resolve(server, project, args.text("name"))
        return membership_node(server, found) if found else None

    def artifact(args: Args) -> Node | None:
        found = _resolve(server, project, args.text("name"))
        return artifact_node(server, artifact_by_key(server, found.artifact_id)) if found else None

    def type_names() -> list[str]:
        return sorted({c.type for c in server.store.artifacts.collections(project.id)})

    def one_type(args: Args) -> Node | None:
        name = args.text("name")
        return _type_node(server, project, name) if name in type_names() else None

    def collections(args: Args) -> Node:
        return _collections(server, server.store.artifacts.collections(project.id), args)

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


def run_fields(server: Server, run: Run) -> Node:
    """What a run's node says about its artifacts."""

    def listed(artifacts: list[Artifact], args: Args) -> Node:
        return connection(artifacts, args, lambda artifact: artifact_node(server, artifact))

    return {
        "outputArtifacts": lambda args: listed(server.store.artifacts.logged_by(run.id), args),
        "inputArtifacts": lambda args: listed(server.store.artifacts.used_by(run.id), args),
    }


def _resolve(server: Server, project: Project, name: str) -> Membership | None:
    """The version that ``collection:alias`` (by default ``latest``) means."""
    collection_name, _, alias = name.partition(":")
    collection = server.store.artifacts.find_collection(project.id, collection_name)
    if collection is None:
        return None
    return server.store.artifacts.resolve(collection.id, alias or "latest")


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
    collection = server.store.artifacts.collection(collection_id)
    if collection is None:
        raise NotFoundError("no such artifact collection")
    return collection


def _type_node(server: Server, project: Project, name: str) -> Node:
    of_type = [c for c in server.store.artifacts.collections(project.id) if c.type == name]

    def one(args: Args) -> Node | None:
        found = [c for c in of_type if c.name == args.text("name")]
        return collection_node(server, found[0]) if found else None

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
    def document(collection: Collection) -> Node:
        return {
            "name": collection.name,
            "createdAt": collection.created_at,
            "updatedAt": collection.updated_at,
            "tag": [row["name"] for row in server.store.artifacts.tags(collection)],
        }

    chosen = selected(found, document, args.json_object("filters"), args.optional("order"))
    return connection(chosen, args, lambda collection: collection_node(server, collection))


def collection_info(server: Server, collection: Collection) -> Node:
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
        "project": projects.project_info(server.store.projects.get(collection.project_id)),
        "defaultArtifactType": artifact_type,
        "type": artifact_type,
    }


def collection_node(server: Server, collection: Collection) -> Node:
    """A collection with its versions, aliases and tags."""
    store = server.store.artifacts

    def members() -> list[Membership]:
        return store.memberships(collection_id=collection.id)[::-1]

    def member_artifact(membership: Membership) -> Node:
        return artifact_node(server, artifact_by_key(server, membership.artifact_id))

    def artifacts(args: Args) -> Node:
        chosen = selected(
            members(),
            lambda m: _version_document(server, m),
            args.json_object("filters"),
            args.optional("order"),
        )
        page = connection(chosen, args, member_artifact)
        start = int(page["edges"][0]["cursor"]) - 1 if page["edges"] else 0
        for membership, edge in zip(chosen[start:], page["edges"], strict=False):
            edge["version"] = f"v{membership.version}"
        return page

    def alias_member(args: Args) -> Node | None:
        found = store.resolve(collection.id, args.text("aliasName"))
        return membership_node(server, found) if found else None

    def latest(_: Args) -> Node | None:
        found = members()
        return member_artifact(found[0]) if found else None

    return collection_info(server, collection) | {
        "tags": lambda _: edges(_tag_node(row) for row in store.tags(collection)),
        "aliases": lambda args: connection(store.aliases(collection.id), args, _alias_node, 1000),
        "artifacts": artifacts,
        "artifactMembership": alias_member,
        "artifactMemberships": lambda args: connection(
            members(), args, lambda m: membership_node(server, m)
        ),
        "latestArtifact": latest,
    }


def _version_document(server: Server, membership: Membership) -> Node:
    artifact = artifact_by_key(server, membership.artifact_id)
    aliases = server.store.artifacts.aliases(membership.collection_id, artifact.id)
    return {
        "state": artifact.state,
        "versionIndex": membership.version,
        "metadata": json.loads(artifact.metadata or "{}"),
        "createdAt": artifact.created_at,
        "created_at": artifact.created_at,
        "alias": [row["alias"] for row in aliases],
        "tag": [row["name"] for row in server.store.artifacts.tags(artifact)],
        "size": artifact.size,
    }


def _alias_node(row: Any) -> Node:
    return {
        "__typename": "ArtifactAlias",
        "id": encode_id("ArtifactAlias", row["id"]),
        "alias": row["alias"],
    }


def _tag_node(row: Any) -> Node:
    return {"__typename": "Tag", "id": encode_id("Tag", row["id"]), "name": row["name"]}


def membership_node(server: Server, membership: Membership) -> Node:
    """An artifact as a version of a collection."""
    collection = collection_by_key(server, membership.collection_id)
    artifact = artifact_by_key(server, membership.artifact_id)
    aliases = server.store.artifacts.aliases(collection.id, artifact.id)
    return {
        "__typename": "ArtifactCollectionMembership",
        "id": encode_id("ArtifactCollectionMembership", membership.id),
        "versionIndex": membership.version,
        "createdAt": membership.created_at,
        "aliases": [_alias_node(row) for row in aliases],
        "artifactCollection": collection_node(server, collection),
        "artifact": artifact_node(server, artifact),
        "files": lambda args: _files(server, artifact, args),
    }


def artifact_node(server: Server, artifact: Artifact) -> Node:
    """An artifact."""
    store = server.store.artifacts
    sequence = collection_by_key(server, artifact.collection_id)
    memberships = store.memberships(artifact_id=artifact.id)
    versions = [m.version for m in memberships if m.collection_id == sequence.id]

    def aliases(_: Args) -> list[Node]:
        return [
            _alias_node(row) | {"artifactCollection": collection_info(server, collection)}
            for membership in memberships
            for collection in [collection_by_key(server, membership.collection_id)]
            for row in store.aliases(collection.id, artifact.id)
        ]

    def manifest(_: Args) -> Node | None:
        found = server.store.contents.manifests(artifact.id)
        return manifest_node(server, found[-1].id) if found else None

    def creator(_: Args) -> Node | None:
        run = server.store.runs.get(artifact.run_id) if artifact.run_id is not None else None
        return _run_node(server, run) if run else None

    def users(_: Args) -> Node:
        found = [server.store.runs.get(run_id) for run_id in store.users(artifact.id)]
        return edges(_run_node(server, run) for run in found if run)

    return {
        "__typename": "Artifact",
        "id": encode_id("Artifact", artifact.id),
        "artifactSequence": collection_node(server, sequence),
        "versionIndex": versions[0] if versions else None,
        "artifactType": {"__typename": "ArtifactType", "name": sequence.type},
        "description": artifact.description,
        "metadata": artifact.metadata,
        "ttlDurationSeconds": -1,  # nothing expires here
        "ttlIsInherited": True,
        "tags": [_tag_node(row) for row in store.tags(artifact)],
        "historyStep": artifact.history_step,
        "state": artifact.state,
        "size": artifact.size,
        "digest": artifact.digest,
        "commitHash": None,
        "fileCount": artifact.file_count,
        "createdAt": artifact.created_at,
        "updatedAt": artifact.updated_at,
        "aliases": aliases,
        "currentManifest": manifest,
        "createdBy": creator,
        "usedBy": users,
        "files": lambda args: _files(server, artifact, args),
        "filesByManifestEntries": lambda args: _files_of_entries(server, artifact, args),
        "artifactMemberships": lambda _: edges(membership_node(server, m) for m in memberships),
    }


def _run_node(server: Server, run: Run) -> Node:
    return runs.run_node(server, server.store.projects.get(run.project_id), run)


def manifest_node(server: Server, manifest_id: int) -> Node:
    """A manifest, with the file that its content is sent to."""
    manifest = server.store.contents.manifest(manifest_id)
    if manifest is None:
        raise NotFoundError("no such manifest")
    file = StoredFile(str(manifest.id), manifest.name, manifest.blob_id, None, None, None)
    return {
        "__typename": "ArtifactManifest",
        "id": encode_id("ArtifactManifest", manifest.id),
        "file": runs.file_node(server, file),
    }


def _files(server: Server, artifact: Artifact, args: Args) -> Node:
    names = args.texts("names")
    files = [f for f in server.store.contents.files(artifact.id) if not names or f.name in names]
    return connection(files, args, lambda file: runs.file_node(server, file))


def _files_of_entries(server: Server, artifact: Artifact, args: Args) -> Node:
    wanted = {entry.optional("name") for entry in args.members("entries")}
    files = [f for f in server.store.contents.files(artifact.id) if f.name in wanted]
    return connection(files, args, lambda file: runs.file_node(server, file), len(files))


def _artifact(server: Server, args: Args) -> Node | None:
    found = server.store.artifacts.get(decode_id("Artifact", args.text("id")))
    return artifact_node(server, found) if found else None


def _collection(server: Server, args: Args) -> Node | None:
    found = server.store.artifacts.collection(decode_id("ArtifactCollection", args.text("id")))
    return collection_node(server, found) if found else None


def _client_id(server: Server, args: Args) -> Node | None:
    found = server.store.artifacts.by_client_id(args.text("clientID"))
    if found is None:
        return None
    return {"__typename": "ClientIDMapping", "serverID": encode_id("Artifact", found.id)}


QUERIES: Resolvers = {
    "artifact": _artifact,
    "artifactCollection": _collection,
    "clientIDMapping": _client_id,
}
