"""Mutations of artifacts: logging, committing, linking, using, editing, deleting."""

from typing import Any

from src.shared.defaults import ENTITY, PROJECT
from src.wandb_server.api.arguments import Args
from src.wandb_server.api.connections import edges
from src.wandb_server.api.ids import decode_id, encode_id
from src.wandb_server.api.lookups import artifact_by_id, artifact_by_key, collection_by_key
from src.wandb_server.api.manifests import check_storage_region, commit
from src.wandb_server.api.names import check_collection_name, check_file_name
from src.wandb_server.api.resolvers.artifacts import manifest_node
from src.wandb_server.api.resolvers.collection_changes import tag_names
from src.wandb_server.api.resolvers.nodes import node
from src.wandb_server.api.resolvers.types import Resolvers
from src.wandb_server.context import Server
from src.wandb_server.errors import NotFoundError, RequestError
from src.wandb_server.store.artifacts import Artifact
from src.wandb_server.store.blobs import BlobStorage
from src.wandb_server.store.collections import Collection

Node = dict[str, Any]


def _create(server: Server, args: Args) -> Node:
    given = args.input()
    project = server.store.projects.ensure(
        given.name("entityName", ENTITY), given.name("projectName", PROJECT)
    )
    aliases = [alias.text("alias") for alias in given.members("aliases")]
    client_id, distributed_id = given.optional("clientID"), given.optional("distributedID")
    check_storage_region(given.optional("storageRegion"))
    digest = given.text("digest")
    run_name = given.optional("runName")
    run = server.store.runs.find(project.id, run_name) if run_name else None
    artifacts = server.store.artifacts
    sequence = _sequence(server, given, project.id)
    found = artifacts.by_client_id(client_id) if client_id else None
    if found is None and distributed_id:
        found = artifacts.pending_parts(sequence.id, distributed_id)
    if found is None:
        found = _same_as_latest(server, sequence, digest, aliases)
    if found is None:
        found = artifacts.create(
            sequence.id,
            aliases,
            client_id=client_id,
            distributed_id=distributed_id,
            run_id=run.id if run else None,
            digest=digest,
            description=given.optional("description"),
            metadata=given.json_object("metadata"),
            history_step=given.optional_integer("historyStep"),
        )
        artifacts.change_tags(found.id, tag_names(given, "tags"), [])
    if run:
        artifacts.add_log(run.id, found.id)
    return {"__typename": "CreateArtifactPayload", "artifact": node(found, server)}


def _sequence(server: Server, given: Args, project_id: int) -> Collection:
    names = given.texts("artifactCollectionNames") or []
    name = given.optional("artifactCollectionName") or (names[0] if names else "")
    check_collection_name(name)
    sequence = server.store.collections.ensure(
        project_id, name, "ArtifactSequence", given.text("artifactTypeName")
    )
    if sequence.kind != "ArtifactSequence":
        raise RequestError(f"{name} is a collection of links; log the artifact under another name")
    return sequence


def _same_as_latest(
    server: Server, sequence: Collection, digest: str, aliases: list[str]
) -> Artifact | None:
    """Logging again what the newest version has is no new version."""
    newest = server.store.artifacts.resolve(sequence.id, "latest")
    if newest is None:
        return None
    artifact = artifact_by_key(server, newest.artifact_id)
    if artifact.digest != digest:
        return None
    server.store.artifacts.set_aliases(sequence.id, artifact.id, aliases)
    return artifact


def _create_manifest(server: Server, args: Args) -> Node:
    given = args.input()
    artifact = artifact_by_id(server, given.text("artifactID"))
    base = given.optional("baseArtifactID")
    kind = given.optional("type") or "FULL"
    if kind not in ("FULL", "PATCH", "INCREMENTAL"):
        raise RequestError("a manifest is FULL, PATCH or INCREMENTAL")
    manifest = server.store.contents.add_manifest(
        artifact.id,
        given.text("name"),
        kind,
        given.optional("digest") or "",
        decode_id("Artifact", base) if base else None,
        server.store.files.add_blob(),
    )
    return _manifest_payload("CreateArtifactManifestPayload", server, manifest.id)


def _update_manifest(server: Server, args: Args) -> Node:
    given = args.input()
    manifest_id = decode_id("ArtifactManifest", given.text("artifactManifestID"))
    base = given.optional("baseArtifactID")
    values: dict[str, str | int | None] = {}
    if digest := given.optional("digest"):
        values["digest"] = digest
    if base:
        values["base_id"] = decode_id("Artifact", base)
    server.store.contents.update_manifest(manifest_id, **values)
    return _manifest_payload("UpdateArtifactManifestPayload", server, manifest_id)


def _manifest_payload(typename: str, server: Server, manifest_id: int) -> Node:
    return {"__typename": typename, "artifactManifest": manifest_node(server, manifest_id)}


def _create_files(server: Server, args: Args) -> Node:
    nodes: list[Node] = []
    for spec in args.input().members("artifactFiles"):
        artifact = artifact_by_id(server, spec.text("artifactID"))
        name = spec.text("name")
        check_file_name(name)
        blob = server.store.files.content_blob(spec.text("md5"))
        nodes.append(
            {
                "__typename": "File",
                "id": encode_id("File", f"{artifact.id}/{name}"),
                "name": name,
                "displayName": name,
                "storagePath": BlobStorage.place(blob.id),
                # What is here already need not be sent again.
                "uploadUrl": server.blob_url(blob.id) if blob.size is None else None,
                "uploadHeaders": [],
                "uploadMultipartUrls": None,
                "artifact": {
                    "__typename": "Artifact",
                    "id": encode_id("Artifact", artifact.id),
                },
            }
        )
    return {"__typename": "CreateArtifactFilesPayload", "files": edges(nodes)}


def _commit(server: Server, args: Args) -> Node:
    artifact = artifact_by_id(server, args.input().text("artifactID"))
    commit(server.store, server.blobs, artifact)
    return _artifact_payload("CommitArtifactPayload", server, artifact)


def _artifact_payload(typename: str, server: Server, artifact: Artifact) -> Node:
    changed = artifact_by_key(server, artifact.id)
    return {"__typename": typename, "artifact": node(changed, server)}


def _use(server: Server, args: Args) -> Node:
    given = args.input()
    artifact = artifact_by_id(server, given.text("artifactID"))
    run = server.run_at(
        given.optional("entityName"), given.optional("projectName"), given.text("runName")
    )
    server.store.artifacts.add_use(run.id, artifact.id)
    return _artifact_payload("UseArtifactPayload", server, artifact)


def _update(server: Server, args: Args) -> Node:
    given = args.input()
    artifact = artifact_by_id(server, given.text("artifactID"))
    # At its creation an artifact with a time to live is taken all the same: better kept than lost.
    if given.integer("ttlDurationSeconds", 0) > 0:
        raise RequestError(
            "artifacts do not expire at this server, so nothing was changed; leave their ttl, and "
            "delete those that are no longer needed"
        )
    wanted = {
        "description": given.optional("description"),
        "metadata": given.json_object("metadata"),
    }
    values = {name: value for name, value in wanted.items() if value is not None}
    server.store.artifacts.update(artifact.id, **values)
    server.store.artifacts.change_tags(
        artifact.id, tag_names(given, "tagsToAdd"), tag_names(given, "tagsToDelete")
    )
    return _artifact_payload("UpdateArtifactPayload", server, artifact)


def _delete(server: Server, args: Args) -> Node:
    given = args.input()
    artifact = artifact_by_id(server, given.text("artifactID"))
    node = {"__typename": "Artifact", "id": encode_id("Artifact", artifact.id)}
    names = {
        alias.alias for alias in server.store.artifacts.aliases(artifact.collection_id, artifact.id)
    }
    if names and not given.flag("deleteAliases"):
        raise RequestError(
            f"the artifact has aliases ({', '.join(sorted(names))}); delete them too"
        )
    server.store.artifacts.delete(artifact.id)
    return {"__typename": "DeleteArtifactPayload", "artifact": node}


def _link(server: Server, args: Args) -> Node:
    given = args.input()
    project = server.store.projects.ensure(
        given.name("entityName", ENTITY), given.name("projectName", PROJECT)
    )
    if given.optional("artifactID"):
        artifact = artifact_by_id(server, given.text("artifactID"))
    else:
        found = server.store.artifacts.by_client_id(given.text("clientID"))
        if found is None:
            raise NotFoundError("no such artifact")
        artifact = found
    source = collection_by_key(server, artifact.collection_id)
    name = given.text("artifactPortfolioName")
    check_collection_name(name)
    portfolio = server.store.collections.ensure(project.id, name, "ArtifactPortfolio", source.type)
    if portfolio.kind != "ArtifactPortfolio" or portfolio.type != source.type:
        raise RequestError(f"{portfolio.name} cannot take links to artifacts of {source.type}")
    aliases = [alias.text("alias") for alias in given.members("aliases")]
    membership = server.store.artifacts.add_version(portfolio.id, artifact.id, aliases)
    return {
        "__typename": "LinkArtifactPayload",
        "versionIndex": membership.version,
        "artifactMembership": node(membership, server),
    }


MUTATIONS: Resolvers = {
    "createArtifact": _create,
    "createArtifactManifest": _create_manifest,
    "updateArtifactManifest": _update_manifest,
    "createArtifactFiles": _create_files,
    "commitArtifact": _commit,
    "useArtifact": _use,
    "updateArtifact": _update,
    "deleteArtifact": _delete,
    "linkArtifact": _link,
}
