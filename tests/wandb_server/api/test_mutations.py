"""Mutations that refuse what could not be found, stored or shown again."""

import json
from typing import Any

import pytest

from src.wandb_server.api.history import sampled_history
from src.wandb_server.api.ids import encode_id
from src.wandb_server.api.lookups import find_sweep
from src.wandb_server.errors import RequestError
from src.wandb_server.store.errors import UnfitError
from tests.wandb_server.scheduling.scheduler_world import World


def log_artifact(world: World, name: str, manifest: str, **given: Any) -> str:
    """The id of an artifact whose manifest has been uploaded."""
    created = world.mutate(
        "createArtifact",
        "artifact { id }",
        projectName="p",
        digest="d",
        artifactTypeName="model",
        artifactCollectionName=name,
        **given,
    )["artifact"]["id"]
    world.mutate("createArtifactManifest", artifactID=created, name="m")
    [artifact] = world.store.contents.manifests(1)
    world.server.blobs.write(artifact.blob_id, manifest.encode())
    return str(created)


@pytest.mark.parametrize("name", ["", "a:b", "a/b", "x" * 129])
def test_a_collection_never_gets_a_name_under_which_it_is_not_found(
    world: World, name: str
) -> None:
    artifact = log_artifact(world, "kept", '{"contents": {}}')
    link = {"projectName": "p", "artifactID": artifact, "artifactPortfolioName": name}
    with pytest.raises(RequestError):
        world.mutate("linkArtifact", **link)
    collection = encode_id("ArtifactCollection", 1)
    with pytest.raises(RequestError):
        world.mutate("updateArtifactSequence", artifactSequenceID=collection, name=name)
    assert [c.name for c in world.store.collections.of_project(world.project.id)] == ["kept"]


def test_where_a_content_is_kept_is_told_of_every_file(world: World) -> None:
    wanted = "storagePath uploadUrl"
    world.mutate("upsertBucket", name="r", modelName="p")
    where = {"projectName": "p", "runName": "r", "files": ["x.txt"]}
    [of_run] = world.mutate("createRunFiles", f"files {{ {wanted} }}", **where)["files"]
    artifact = log_artifact(world, "kept", '{"contents": {}}')
    specs = [{"artifactID": artifact, "name": "x.txt", "md5": "aGFsbG8="}]
    files = world.mutate(
        "createArtifactFiles", f"files {{ edges {{ node {{ {wanted} }} }} }}", artifactFiles=specs
    )["files"]["edges"]
    for file in (of_run, files[0]["node"]):
        blob = file["uploadUrl"].rpartition("/")[2].partition("?")[0]
        assert world.folder / "files" / file["storagePath"] == world.server.blobs.path(blob)


def test_an_artifact_that_is_to_expire_is_kept_and_that_is_said(world: World) -> None:
    wanted = "artifact { ttlDurationSeconds ttlIsInherited }"
    kept = {"ttlDurationSeconds": -2, "ttlIsInherited": False}
    artifact = log_artifact(world, "kept", '{"contents": {}}', ttlDurationSeconds=60)
    for given in (None, -1, -2):  # left as it is, by the team's default, never
        changed = world.mutate(
            "updateArtifact", wanted, artifactID=artifact, ttlDurationSeconds=given
        )
        assert changed["artifact"] == kept
    with pytest.raises(RequestError, match="artifacts do not expire at this server"):
        world.mutate("updateArtifact", artifactID=artifact, ttlDurationSeconds=60, description="x")
    stored = world.store.artifacts.get(1)
    assert stored is not None
    assert stored.description is None


def test_a_collection_can_be_renamed_and_described(world: World) -> None:
    log_artifact(world, "before", '{"contents": {}}')
    given = {"artifactSequenceID": encode_id("ArtifactCollection", 1), "description": "words"}
    world.mutate("updateArtifactSequence", name="after", **given)
    [collection] = world.store.collections.of_project(world.project.id)
    assert (collection.name, collection.description) == ("after", "words")


@pytest.mark.parametrize(
    "entry",
    [
        {"a": {"ref": "s3://x", "size": 2**63}},
        {"\ud800": {"ref": "s3://x"}},
        {"a": {"ref": "\ud800"}},
    ],
)
def test_a_manifest_that_cannot_be_stored_is_refused_and_leaves_nothing(
    world: World, entry: Any
) -> None:
    artifact = log_artifact(world, "c", json.dumps({"contents": entry}))
    with pytest.raises((RequestError, UnfitError)):
        world.mutate("commitArtifact", artifactID=artifact)
    assert world.store.contents.files(1) == []


@pytest.mark.parametrize("manifest", ["[[[", '{"contents": {}, "x": "\\ud800"}', "[" * 100_000])
def test_a_manifest_that_is_not_json_is_refused(world: World, manifest: str) -> None:
    artifact = log_artifact(world, "c", manifest)
    with pytest.raises(RequestError, match="'manifest' is not valid JSON"):
        world.mutate("commitArtifact", artifactID=artifact)


def test_an_exit_code_of_too_many_bits_is_refused_by_name(world: World) -> None:
    world.mutate("upsertBucket", name="r", modelName="p")
    with pytest.raises(RequestError, match="'exitcode' is out of range"):
        world.finish("r", exitcode=2**63)
    assert world.run("r").active


def test_a_last_step_of_all_bits_is_refused(world: World) -> None:
    world.mutate("upsertBucket", name="r", modelName="p")
    spec = json.dumps({"maxStep": 2**63 - 1})
    with pytest.raises(UnfitError, match="a value cannot be stored: "):
        sampled_history(world.store, world.run("r"), [spec])


def test_an_opaque_id_finds_a_sweep_in_its_own_project_only(world: World) -> None:
    sweep = world.sweep()
    other = world.store.projects.ensure("local", "other")
    for name in (sweep.name, encode_id("Sweep", sweep.id)):
        assert find_sweep(world.server, world.project, name) == sweep
        assert find_sweep(world.server, other, name) is None


def test_a_sweep_is_edited_by_either_of_its_ids(world: World) -> None:
    sweep = world.sweep()
    world.mutate("upsertSweep", id=sweep.name, projectName="p", state="PAUSED")
    assert world.state(sweep) == "PAUSED"
    world.mutate("upsertSweep", id=encode_id("Sweep", sweep.id), state="RUNNING")
    assert world.state(sweep) == "RUNNING"
    with pytest.raises(RequestError, match="no such sweep"):
        world.mutate("upsertSweep", id="unknown", projectName="p", state="PAUSED")


def test_a_report_is_its_projects_own(world: World) -> None:
    given = {"entityName": "team", "projectName": "p", "name": "r"}
    view = world.mutate("upsertView", "view { entityName project { entityName } }", **given)["view"]
    assert view["entityName"] == view["project"]["entityName"] == "team"
