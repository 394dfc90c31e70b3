"""Committing an artifact: check that its manifest's files are all here, and give it a version."""

import json
from typing import Any

from src.wandb_server.api.arguments import parse_json
from src.wandb_server.api.names import check_file_name
from src.wandb_server.errors import RequestError
from src.wandb_server.store import Store
from src.wandb_server.store.artifacts import Artifact, Manifest
from src.wandb_server.store.blobs import BlobStorage

Entries = dict[str, dict[str, Any]]


def commit(store: Store, blobs: BlobStorage, artifact: Artifact) -> None:
    """Make a pending artifact the newest version of its sequence; a committed one stays as it is.

    Raises:
        RequestError: It has no manifest, or a file of it was not uploaded.
    """
    if artifact.state == "COMMITTED":
        return
    manifests = [m for m in store.contents.manifests(artifact.id) if blobs.path(m.blob_id).exists()]
    if not manifests:
        raise RequestError("the artifact has no manifest")
    whole, entries = _merged(store, blobs, manifests)
    policy = whole.get("storagePolicyConfig")
    check_storage_region(policy.get("storageRegion") if isinstance(policy, dict) else None)
    files: dict[str, str] = {}
    references: dict[str, str] = {}
    size = 0
    for name, entry in entries.items():
        check_file_name(name)
        entry_size = entry.get("size")
        size += entry_size if isinstance(entry_size, int) else 0
        if isinstance(entry.get("ref"), str):
            references[name] = entry["ref"]
        else:
            files[name] = _blob_of(store, name, entry)
    if manifests[-1].kind != "FULL":
        blob_id = store.files.add_blob()
        store.files.received(blob_id, *blobs.write(blob_id, json.dumps(whole).encode()))
        store.contents.add_manifest(
            artifact.id, "wandb_manifest.json", "FULL", manifests[-1].digest, None, blob_id
        )
    store.contents.set_files(artifact.id, files, references)
    store.artifacts.update(artifact.id, state="COMMITTED", size=size, file_count=len(entries))
    store.artifacts.add_version(artifact.collection_id, artifact.id, artifact.wanted_aliases)


def check_storage_region(region: Any) -> None:
    """Refuse an artifact that is to be kept elsewhere.

    Raises:
        RequestError: It names a region.
    """
    if region not in (None, "", "default"):
        raise RequestError(f"invalid storageRegion: {region}; this server keeps all in one place")


def _blob_of(store: Store, name: str, entry: dict[str, Any]) -> str:
    digest = entry.get("digest")
    blob = store.files.find_content(digest) if isinstance(digest, str) else None
    if blob is None or blob.size is None:
        raise RequestError(f"the file {name} was not uploaded")
    return blob.id


def _merged(
    store: Store, blobs: BlobStorage, manifests: list[Manifest]
) -> tuple[dict[str, Any], Entries]:
    """The whole manifest: the last full one, or the parts that were uploaded one after another."""
    last = manifests[-1]
    if last.kind == "FULL":
        whole = _read(blobs, last.blob_id)
        return whole, whole["contents"]
    entries: Entries = {}
    if last.kind == "INCREMENTAL" and last.base_id is not None:
        base = store.contents.manifests(last.base_id)
        if base:
            entries |= _read(blobs, base[-1].blob_id)["contents"]
    for manifest in manifests:
        whole = _read(blobs, manifest.blob_id)
        entries |= whole["contents"]
    return whole | {"contents": entries}, entries


def _read(blobs: BlobStorage, blob_id: str) -> dict[str, Any]:
    try:
        manifest = parse_json(blobs.path(blob_id).read_text("utf-8"), "manifest")
    except UnicodeDecodeError:
        raise RequestError("the manifest is not UTF-8") from None
    except OSError as error:
        raise RequestError(f"the manifest cannot be read: {error.strerror}") from None
    contents = manifest.get("contents") if isinstance(manifest, dict) else None
    if not isinstance(contents, dict) or not all(isinstance(e, dict) for e in contents.values()):
        raise RequestError("the manifest has no 'contents'")
    return manifest  # type: ignore[no-any-return]
