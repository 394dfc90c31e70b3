"""The unmodified wandb client logs runs and artifacts, and reads them back."""

import json
import sys
from pathlib import Path

from tests.wandb_server.server_harness import Client, ServerProcess

_LOG = """
import sys, wandb
with wandb.init(config={"lr": 0.1, "nested": {"a": [1, 2]}}, tags=["first"], group="g",
                notes="note", settings=wandb.Settings(x_stats_sampling_interval=0.1)) as run:
    print("printed by the run")
    for i in range(5):
        run.log({"loss": 1 / (i + 1), "epoch": i, "bad": float("nan") if i == 2 else i})
    with open("extra.txt", "w") as file:
        file.write("extra")
    run.save("extra.txt", policy="now")
    run.summary["best"] = 0.25
    with open("id.txt", "w") as file:
        file.write(run.id)
"""


def _run_id(client: Client) -> str:
    return (client.folder / "id.txt").read_text()


def test_a_run_is_stored_with_exact_history_config_summary_log_events_and_files(
    server: ServerProcess, client: Client
) -> None:
    client.python(_LOG)
    (run,) = server.rows("SELECT * FROM runs")
    assert run["state"] == "finished"
    assert run["exitcode"] == 0
    assert json.loads(run["tags"]) == ["first"]
    assert (run["group_name"], run["notes"]) == ("g", "note")
    config = json.loads(run["config"])
    assert config["lr"]["value"] == 0.1
    assert config["nested"]["value"] == {"a": [1, 2]}
    summary = json.loads(run["summary"])
    assert (summary["loss"], summary["best"]) == (0.2, 0.25)
    history = [
        json.loads(row["text"])
        for row in server.rows("SELECT text FROM lines WHERE stream = 'history' ORDER BY position")
    ]
    assert [row["_step"] for row in history] == [0, 1, 2, 3, 4]
    assert [row["loss"] for row in history] == [1.0, 0.5, 1 / 3, 0.25, 0.2]
    log = server.rows("SELECT text FROM lines WHERE stream = 'log'")
    assert any("printed by the run" in row["text"] for row in log)
    events = server.rows("SELECT text FROM lines WHERE stream = 'events'")
    assert any(key.startswith("system.") for key in json.loads(events[0]["text"]))
    files = server.rows("SELECT f.name, b.size FROM run_files f JOIN blobs b ON b.id = f.blob_id")
    sizes = {row["name"]: row["size"] for row in files}
    assert sizes["extra.txt"] == 5
    assert {"config.yaml", "wandb-summary.json", "output.log"} <= set(sizes)


def test_the_public_api_reads_a_run_back(server: ServerProcess, client: Client) -> None:
    client.python(_LOG)
    output = client.python(
        """
import json, sys, wandb
run = wandb.Api().run("local/gradsweep/" + sys.argv[1])
assert run.state == "finished" and run.config["nested"] == {"a": [1, 2]}
assert run.summary["best"] == 0.25
assert [r["loss"] for r in run.history(keys=["loss"], pandas=False)] == [1.0, 0.5, 1/3, 0.25, 0.2]
assert [r["loss"] for r in run.scan_history()] == [1.0, 0.5, 1/3, 0.25, 0.2]
assert [r["epoch"] for r in run.scan_history(keys=["epoch"], min_step=2)] == [2, 3, 4]
assert len(run.history(samples=3, pandas=False)) == 3
assert run.history(stream="events", pandas=False)
assert run.lastHistoryStep == 4
bad = [r["bad"] for r in run.scan_history(keys=["bad"])]
assert bad[:2] + bad[3:] == [0, 1, 3, 4] and str(bad[2]).lower() == "nan", bad
file = run.file("extra.txt").download(root="back", replace=True)
assert file.read() == "extra"
assert "extra.txt" in [f.name for f in run.files(pattern="%.txt")]
run.config["later"] = True
run.tags.append("second")
run.display_name = "renamed"
run.update()
print(json.dumps({"ok": True}))
""",
        _run_id(client),
    )
    assert '{"ok": true}' in output
    (run,) = server.rows("SELECT * FROM runs")
    assert run["state"] == "finished", "editing a run does not start it again"
    assert run["display_name"] == "renamed"
    assert json.loads(run["config"])["later"]["value"] is True


def test_runs_are_found_by_filters_and_in_order(client: Client) -> None:
    client.python(
        """
import wandb
for index, lr in enumerate([0.1, 0.2, 0.3]):
    with wandb.init(config={"lr": lr, "m": {"deep": index}}, name=f"run {index}") as run:
        run.log({"acc": [0.5, 0.9, 0.7][index]})
api = wandb.Api()
def names(**query):
    return [run.name for run in api.runs("local/gradsweep", **query)]
assert names(order="-summary_metrics.acc") == ["run 1", "run 2", "run 0"]
assert names(order="+created_at") == ["run 0", "run 1", "run 2"]
assert names(filters={"config.lr": {"$gte": 0.2}}, order="+config.lr.value") == ["run 1", "run 2"]
assert names(filters={"config.m.deep": 2}) == ["run 2"]
assert names(filters={"$or": [{"display_name": "run 0"}, {"summary_metrics.acc": {"$gt": 0.8}}]},
             order="+created_at") == ["run 0", "run 1"]
assert names(filters={"display_name": {"$regex": "2$"}}) == ["run 2"]
assert names(filters={"state": {"$ne": "finished"}}) == []
runs = api.runs("local/gradsweep", per_page=1)
assert len(runs) == 3 and len(list(runs)) == 3
api.runs("local/gradsweep")[0].delete()
assert len(wandb.Api().runs("local/gradsweep")) == 2
"""
    )


def test_a_run_is_resumed_where_it_ended(server: ServerProcess, client: Client) -> None:
    code = """
import sys, wandb
with wandb.init(id="again", resume=sys.argv[1], config={"part": sys.argv[2]}) as run:
    for _ in range(2):
        run.log({"x": run.step})
"""
    client.python(code, "allow", "one")
    client.python(code, "must", "two")
    history = server.rows("SELECT text FROM lines WHERE stream = 'history' ORDER BY position")
    assert [json.loads(row["text"])["_step"] for row in history] == [0, 1, 2, 3]
    (run,) = server.rows("SELECT state FROM runs")
    assert run["state"] == "finished"


def test_a_run_that_fails_and_one_that_is_interrupted_are_told_apart(
    server: ServerProcess, client: Client
) -> None:
    for error in ("ValueError", "KeyboardInterrupt"):
        code = f"import wandb\nwandb.init().log({{'x': 1}})\nraise {error}"
        client.start(sys.executable, "-c", code).communicate(timeout=120)
    states = [row["state"] for row in server.rows("SELECT state FROM runs ORDER BY id")]
    assert states == ["failed", "killed"]


def test_artifacts_make_the_round_trip(client: Client, tmp_path: Path) -> None:
    client.python(
        """
import os, pathlib, wandb
folder = pathlib.Path("content"); (folder / "sub").mkdir(parents=True)
(folder / "a.txt").write_text("alpha"); (folder / "sub" / "b.bin").write_bytes(os.urandom(300_000))
def logged(run, name="model", **options):
    artifact = wandb.Artifact(name, "model", metadata={"x": 1}, description="words")
    artifact.add_dir(str(folder))
    return run.log_artifact(artifact, **options).wait()
with wandb.init() as run:
    first = logged(run, aliases=["best"], tags=["t"])
    assert (first.version, sorted(first.aliases), first.tags) == ("v0", ["best", "latest"], ["t"])
    maker = run.id
with wandb.init() as run:
    used = run.use_artifact("model:latest")
    back = pathlib.Path(used.download(root="back"))
    for path in ["a.txt", "sub/b.bin"]:
        assert (back / path).read_bytes() == (folder / path).read_bytes()
    assert logged(run).version == "v0", "equal content is no new version"
    (folder / "a.txt").write_text("beta")
    second = logged(run)
    assert second.version == "v1" and second.aliases == ["latest"]
    more = wandb.Artifact("model", "model", incremental=True)
    with more.new_file("c.txt") as file:
        file.write("gamma")
    assert run.log_artifact(more).wait().version == "v2"
    run.link_artifact(second, "local/gradsweep/chosen", aliases=["production"])
    user = run.id
api = wandb.Api()
best = api.artifact("local/gradsweep/model:best")
assert (best.version, best.metadata, best.description) == ("v0", {"x": 1}, "words")
assert best.logged_by().id == maker and [r.id for r in best.used_by()] == [user]
assert sorted(f.name for f in best.files()) == ["a.txt", "sub/b.bin"]
assert sorted(api.artifact("model:v2").manifest.entries) == ["a.txt", "c.txt", "sub/b.bin"]
assert api.artifact("model:v2").get_entry("c.txt").download(root="more").endswith("c.txt")
best.aliases.append("extra"); best.description = "changed"; best.tags = ["u"]; best.save()
again = api.artifact("model:extra")
assert (again.version, again.description, again.tags) == ("v0", "changed", ["u"])
again.aliases.remove("extra"); again.save()
linked = api.artifact("local/gradsweep/chosen:production")
assert linked.is_link and linked.source_name == "model:v1"
assert [a.version for a in api.artifacts("model", "gradsweep/model")] == ["v2", "v1", "v0"]
assert [t.name for t in api.artifact_types("gradsweep")] == ["model"]
names = sorted(c.name for c in api.artifact_type("model", "gradsweep").collections())
assert names == ["chosen", "model"]
run = api.run("local/gradsweep/" + maker)
assert [a.name for a in run.logged_artifacts()] == ["model:v0"]
assert [a.name for a in api.run("local/gradsweep/" + user).used_artifacts()] == ["model:v0"]
api.artifact("model:v1").delete(delete_aliases=True)
assert [a.version for a in api.artifacts("model", "gradsweep/model")] == ["v2", "v0"]
"""
    )


def test_tables_plots_and_images_are_stored(server: ServerProcess, client: Client) -> None:
    client.python(
        """
import numpy as np, wandb
with wandb.init() as run:
    run.log({"cm": wandb.plot.confusion_matrix(
        y_true=[0, 1, 1], preds=[0, 1, 0], class_names=["x", "y"])})
    run.log({"image": wandb.Image(np.zeros((4, 4), dtype=np.uint8))})
    run.log({"table": wandb.Table(columns=["a"], data=[[1], [2]])})
    id = run.id
run = wandb.Api().run("local/gradsweep/" + id)
names = [f.name for f in run.files()]
assert any(n.startswith("media/images/image") for n in names), names
(table,) = [a for a in run.logged_artifacts() if a.name.endswith("-table:v0")]
assert table.get("table").data == [[1], [2]]
"""
    )
    assert len(server.rows("SELECT 1 FROM lines WHERE stream = 'history'")) == 3


def test_an_offline_run_arrives_whole_by_sync(server: ServerProcess, client: Client) -> None:
    client.environment["WANDB_MODE"] = "offline"
    client.python(
        """
import wandb
with wandb.init(config={"a": 1}, tags=["off"], group="g") as run:
    for i in range(4):
        run.log({"acc": i})
    artifact = wandb.Artifact("kept", "data")
    with artifact.new_file("x.txt") as file:
        file.write("x")
    run.log_artifact(artifact)
"""
    )
    del client.environment["WANDB_MODE"]
    assert server.rows("SELECT * FROM runs") == []
    (folder,) = (client.folder / "wandb").glob("offline-run-*")
    client.run("wandb", "sync", str(folder))
    (run,) = server.rows("SELECT * FROM runs")
    assert (run["state"], run["group_name"], json.loads(run["tags"])) == ("finished", "g", ["off"])
    history = server.rows("SELECT text FROM lines WHERE stream = 'history' ORDER BY position")
    assert [json.loads(row["text"])["acc"] for row in history] == [0, 1, 2, 3]
    client.python(
        "import wandb; wandb.Api().artifact('local/gradsweep/kept:latest').download(root='back')"
    )
    assert (client.folder / "back" / "x.txt").read_text() == "x"


def test_a_run_is_rewound_and_loses_a_file_on_request(
    server: ServerProcess, client: Client
) -> None:
    client.python(_LOG)
    client.python(
        """
import sys, wandb
id = sys.argv[1]
wandb.Api().run("local/gradsweep/" + id).file("extra.txt").delete()
with wandb.init(resume_from=f"{id}?_step=2") as run:
    run.alert("title", "text")
    run.log({"loss": 7})
run = wandb.Api().run("local/gradsweep/" + id)
assert [r["loss"] for r in run.scan_history()] == [1.0, 0.5, 1 / 3, 7]
assert "extra.txt" not in [f.name for f in run.files()]
""",
        _run_id(client),
    )
    (alert,) = server.rows("SELECT text FROM lines WHERE stream = 'alerts'")
    assert json.loads(alert["text"])["title"] == "title"


def test_prior_runs_become_runs_of_a_new_sweep(server: ServerProcess, client: Client) -> None:
    client.python(_LOG)
    run_id = _run_id(client)
    client.python(
        """
import sys, wandb
sweep = {"program": "t.py", "method": "bayes", "run_cap": 2,
         "metric": {"name": "loss", "goal": "minimize"},
         "parameters": {"lr": {"min": 0.0, "max": 1.0}, "constant": {"value": 1},
                        "nested": {"parameters": {"a": {"values": [[1, 2], [3]]}}}}}
id = wandb.sweep(sweep, prior_runs=[sys.argv[1]])
sweep = wandb.Api().sweep("local/gradsweep/" + id)
assert [run.id for run in sweep.runs] == [sys.argv[1]]
assert sweep._attrs["bestLoss"] == 0.2
""",
        run_id,
    )
    (run,) = server.rows("SELECT params FROM runs")
    assert json.loads(run["params"]) == {"lr": 0.1, "constant": 1, "nested": {"a": [1, 2]}}
    output = client.python(
        """
import sys, wandb
momentum = {"momentum": {"min": 0.0, "max": 1.0}}
wandb.sweep({"method": "random", "parameters": momentum}, prior_runs=[sys.argv[1]])
with wandb.init(id="other") as run:
    run.log({"loss": 1})
wandb.sweep({"method": "random", "parameters": momentum}, prior_runs=["other"])
""",
        run_id,
    )
    assert f"prior run {run_id}: it is left out, as it belongs to another sweep" in output
    assert "prior run other: it is left out, as it has no momentum" in output


def test_a_client_that_knows_only_address_and_key_says_nothing_of_its_own_metrics(
    server: ServerProcess, client: Client
) -> None:
    for name in [name for name in client.environment if name.startswith("WANDB_")]:
        if name not in ("WANDB_BASE_URL", "WANDB_API_KEY", "WANDB_DIR"):
            del client.environment[name]
    code = "import wandb; run = wandb.init(project='p'); run.log({'x': 1}); run.finish()"
    output = client.python(code)
    assert "Failed" not in output, output
    assert server.rows("SELECT state FROM runs") == [{"state": "finished"}]
    logs = "".join(path.read_text() for path in client.folder.rglob("debug-*.log"))
    assert "metrics batch" not in logs
