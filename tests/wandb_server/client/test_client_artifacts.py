"""What else the client does with artifacts: references, drafts, links, models, collections."""

from tests.wandb_server.server_harness import Client


def test_references_drafts_and_distributed_artifacts_have_the_right_files(client: Client) -> None:
    client.python(
        """
import os, pathlib, wandb
folder = pathlib.Path("content"); folder.mkdir()
(folder / "a.txt").write_text("alpha"); (folder / "b.txt").write_text("beta")
def logged(run, name, fill):
    artifact = wandb.Artifact(name, "dataset")
    fill(artifact)
    return run.log_artifact(artifact).wait()
def files(artifact, root):
    path = pathlib.Path(artifact.download(root=root))
    return {p.name: p.read_text() for p in path.iterdir()}

with wandb.init() as run:
    logged(run, "data", lambda a: a.add_dir(str(folder)))
    local = logged(run, "local", lambda a: a.add_reference("file://" + str(folder.resolve())))
    logged(run, "remote", lambda a: a.add_reference(
        "https://example.com/x.bin", name="x.bin", checksum=False))
    source = run.use_artifact("data:latest")
    def linked(artifact):
        artifact.add_reference(source.get_entry("b.txt").ref_url(), name="other.txt")
        artifact.add(wandb.Table(columns=["q"], data=[[1]]), "table")
    logged(run, "child", linked)
    draft = source.new_draft()
    draft.remove("a.txt")
    with draft.new_file("c.txt") as file:
        file.write("gamma")
    assert run.log_artifact(draft).wait().version == "v1"
api = wandb.Api()
assert files(api.artifact("gradsweep/local:v0"), "one") == {"a.txt": "alpha", "b.txt": "beta"}
assert api.artifact("gradsweep/remote:v0").get_entry("x.bin").ref == "https://example.com/x.bin"
child = api.artifact("gradsweep/child:v0")
assert child.get("table").data == [[1]]
child.download(root="two")
assert pathlib.Path("two/other.txt").read_text() == "beta"
assert files(api.artifact("gradsweep/data:latest"), "three") == {"b.txt": "beta", "c.txt": "gamma"}
first = api.artifact("gradsweep/data:v0")
first.verify(root=first.download(root="four"))
for finish in (False, True):
    with wandb.init(group="several") as run:
        part = wandb.Artifact("parts", "dataset")
        part.add_file(str(folder / ("b.txt" if finish else "a.txt")))
        (run.finish_artifact if finish else run.upsert_artifact)(part, distributed_id="parts")
assert sorted(wandb.Api().artifact("gradsweep/parts:latest").manifest.entries) == ["a.txt", "b.txt"]
"""
    )


def test_collections_links_and_models_are_changed_listed_and_deleted(client: Client) -> None:
    client.python(
        """
import os, wandb
with open("weights.bin", "w") as file:
    file.write("weights")
with wandb.init() as run:
    logged = run.log_artifact("weights.bin", name="net", type="model").wait()
    maker = run.id
with wandb.init() as run:
    used = run.use_artifact("net:latest")
    linked = used.link("local/gradsweep/chosen", aliases=["production"])
    assert linked.qualified_name == "local/gradsweep/chosen:v0"
    assert os.path.basename(run.use_model("chosen:production")) == "weights.bin"
    run.link_model("weights.bin", "registered", "another", aliases=["one"])
    user = run.id
api = wandb.Api()
net = api.artifact("gradsweep/net:v0")
assert net.logged_by().id == maker and user in [run.id for run in net.used_by()]
assert [a.qualified_name for a in net.linked_artifacts] == ["local/gradsweep/chosen:v0"]
assert api.artifact("model-registry/registered:one").is_link, "where W&B keeps its registry"
assert api.artifact_exists("gradsweep/net:v0") and not api.artifact_exists("gradsweep/net:v9")
collection = api.artifact_collection("model", "gradsweep/net")
collection.name, collection.description, collection.tags = "renamed", "words", ["k"]
collection.save()
found = api.artifact_collection("model", "gradsweep/renamed")
assert (found.description, found.tags) == ("words", ["k"])
assert api.artifact_collection_exists("gradsweep/renamed", "model")
api.artifact("gradsweep/chosen:production").unlink()
assert not wandb.Api().artifact_exists("gradsweep/chosen:production")
assert wandb.Api().artifact("gradsweep/renamed:latest").digest == logged.digest
api.artifact_collection("model", "gradsweep/another").delete()
names = {c.name for c in wandb.Api().artifact_type("model", "gradsweep").collections()}
assert "another" not in names and "renamed" in names
api.run(f"gradsweep/{maker}").delete(delete_artifacts=True)
assert not wandb.Api().artifact_exists("gradsweep/renamed:v0")
"""
    )
