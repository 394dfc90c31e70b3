"""Artifacts as nodes, and the queries that reach them."""

import hashlib
import json
from typing import Any

from src.wandb_server.api.arguments import Args
from src.wandb_server.api.connections import chosen, connection, edges
from src.wandb_server.api.filters import Fields, camel_too
from src.wandb_server.api.ids import decode_id, encode_id
from src.wandb_server.api.lookups import collection_by_key
from src.wandb_server.api.resolvers.nodes import (
    FILE_FIELDS,
    alias_node,
    collection_info,
    node,
    tag_node,
)
from src.wandb_server.api.resolvers.types import Resolvers
from src.wandb_server.context import Server
from src.wandb_server.errors import NotFoundError
from src.wandb_server.store.artifacts import Artifact
from src.wandb_server.store.files import StoredFile
from src.wandb_server.store.runs import Run

Node = dict[str, Any]


def run_fields(server: Server, run: Run) -> Node:
    """What a run's node says about its artifacts."""

    def listed(artifacts: list[Artifact], args: Args) -> Node:
        page = chosen(artifacts, artifact_fields(server), args)
        return connection(page, args, lambda artifact: node(artifact, server))

    return {
        "outputArtifacts": lambda args: listed(server.store.artifacts.logged_by(run.id), args),
        "inputArtifacts": lambda args: listed(server.store.artifacts.used_by(run.id), args),
    }


def artifact_fields(server: Server) -> Fields[Artifact]:
    """What filters and orders of artifacts may name."""

    def tags(artifact: Artifact) -> list[str]:
        return [tag.name for tag in server.store.artifacts.tags(artifact.id)]

    return camel_too(
        {
            "state": lambda artifact: artifact.state,
            "metadata": lambda artifact: artifact.metadata or {},
            "description": lambda artifact: artifact.description,
            "digest": lambda artifact: artifact.digest,
            "size": lambda artifact: artifact.size,
            "file_count": lambda artifact: artifact.file_count,
            "history_step": lambda artifact: artifact.history_step,
            "created_at": lambda artifact: artifact.created_at,
            "updated_at": lambda artifact: artifact.updated_at,
            "tag": tags,
        }
    )


@node.register
def artifact_node(artifact: Artifact, server: Server) -> Node:
    """An artifact."""
    store = server.store.artifacts
    sequence = collection_by_key(server, artifact.collection_id)
    memberships = store.memberships(artifact_id=artifact.id)
    versions = [m.version for m in memberships if m.collection_id == sequence.id]

    def aliases(_: Args) -> list[Node]:
        return [
            alias_node(row) | {"artifactCollection": collection_info(collection, server)}
            for membership in memberships
            for collection in [collection_by_key(server, membership.collection_id)]
            for row in store.aliases(collection.id, artifact.id)
        ]

    def manifest(_: Args) -> Node | None:
        found = server.store.contents.manifests(artifact.id)
        return manifest_node(server, found[-1].id) if found else None

    def creator(_: Args) -> Node | None:
        run = server.store.runs.get(artifact.run_id) if artifact.run_id is not None else None
        return node(run, server) if run else None

    def users(_: Args) -> Node:
        found = [server.store.runs.get(run_id) for run_id in store.users(artifact.id)]
        return edges(node(run, server) for run in found if run)

    return {
        "__typename": "Artifact",
        "id": encode_id("Artifact", artifact.id),
        "artifactSequence": node(sequence, server),
        "versionIndex": versions[0] if versions else None,
        "artifactType": {"__typename": "ArtifactType", "name": sequence.type},
        "description": artifact.description,
        "metadata": None if artifact.metadata is None else json.dumps(artifact.metadata),
        "ttlDurationSeconds": -2,  # switched off: nothing expires here, by no team's default either
        "ttlIsInherited": False,
        "tags": [tag_node(row) for row in store.tags(artifact.id)],
        "historyStep": artifact.history_step,
        "state": artifact.state,
        "size": artifact.size,
        "digest": artifact.digest,
        "commitHash": _commit_hash(artifact),
        "fileCount": artifact.file_count,
        "createdAt": artifact.created_at,
        "updatedAt": artifact.updated_at,
        "aliases": aliases,
        "currentManifest": manifest,
        "createdBy": creator,
        "usedBy": users,
        "files": lambda args: artifact_files(server, artifact, args),
        "filesByManifestEntries": lambda args: _files_of_entries(server, artifact, args),
        "artifactMemberships": lambda _: edges(node(m, server) for m in memberships),
    }


def _commit_hash(artifact: Artifact) -> str | None:
    """What names a commit: of the same content, each artifact has its own."""
    if artifact.state != "COMMITTED":
        return None
    return hashlib.sha256(f"{artifact.id}:{artifact.digest}".encode()).hexdigest()[:20]


def manifest_node(server: Server, manifest_id: int) -> Node:
    """A manifest, with the file that its content is sent to."""
    manifest = server.store.contents.manifest(manifest_id)
    if manifest is None:
        raise NotFoundError("no such manifest")
    file = StoredFile(str(manifest.id), manifest.name, manifest.blob_id, None, None, None)
    return {
        "__typename": "ArtifactManifest",
        "id": encode_id("ArtifactManifest", manifest.id),
        "file": node(file, server),
    }


def artifact_files(server: Server, artifact: Artifact, args: Args) -> Node:
    """A page of an artifact's files."""
    names = args.texts("names")
    files = [f for f in server.store.contents.files(artifact.id) if not names or f.name in names]
    page = chosen(files, FILE_FIELDS, args)
    return connection(page, args, lambda file: node(file, server))


def _files_of_entries(server: Server, artifact: Artifact, args: Args) -> Node:
    wanted = {entry.optional("name") for entry in args.members("entries")}
    files = [f for f in server.store.contents.files(artifact.id) if f.name in wanted]
    return connection(files, args, lambda file: node(file, server), len(files))


def _artifact(server: Server, args: Args) -> Node | None:
    found = server.store.artifacts.get(decode_id("Artifact", args.text("id")))
    return node(found, server) if found else None


def _client_id(server: Server, args: Args) -> Node | None:
    found = server.store.artifacts.by_client_id(args.text("clientID"))
    if found is None:
        return None
    return {"__typename": "ClientIDMapping", "serverID": encode_id("Artifact", found.id)}


QUERIES: Resolvers = {
    "artifact": _artifact,
    "clientIDMapping": _client_id,
}
