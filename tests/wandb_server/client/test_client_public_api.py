"""Filters, histories, system metrics and logs as ``wandb.Api`` reads them; runs that it changes."""

from tests.wandb_server.server_harness import Client


def test_the_public_api_filters_reads_changes_and_deletes_runs(client: Client) -> None:
    client.python(
        """
import wandb
ids = []
for i, lr in enumerate([0.1, 0.2, 0.3]):
    with wandb.init(config={"lr": lr, "m": {"deep": i}, "flag": i == 1, "a.b": i, "list": [i, 9]},
                    name=f"run {i}", tags=["all", f"t{i}"], group="g" if i else "h",
                    job_type="train" if i < 2 else "eval", notes=f"note {i}",
                    settings=wandb.Settings(x_stats_sampling_interval=0.1)) as run:
        print("hello", i)
        for k in range(10):
            run.log({"acc": lr * k, "loss": 1 / (k + 1)})
        run.summary["nested"] = {"deep": i}
        ids.append(run.id)
try:
    with wandb.init(name="run 3") as run:
        raise ValueError
except ValueError:
    pass

def found(filters, order="+created_at"):
    runs = wandb.Api().runs("local/gradsweep", filters=filters, order=order)
    return "".join(run.name[-1] for run in runs)

for filters, expected in [
    ({"config.lr": 0.2}, "1"), ({"config.lr.value": 0.2}, "1"),
    ({"config.lr": {"$in": [0.1, 0.3]}}, "02"), ({"config.lr": {"$nin": [0.1]}}, "123"),
    ({"config.lr": {"$not": {"$gt": 0.15}}}, "03"), ({"config.lr": {"$exists": True}}, "012"),
    ({"$and": [{"config.lr": {"$gt": 0.1}}, {"config.lr": {"$lt": 0.3}}]}, "1"),
    ({"$or": [{"config.lr": 0.1}, {"state": "failed"}]}, "03"),
    ({"$nor": [{"tags": "t0"}, {"state": "failed"}]}, "12"), ({"$not": {"tags": "t1"}}, "023"),
    ({"config.m.deep": {"$lte": 1}}, "01"), ({"config.m.value.deep": 1}, "1"),
    ({"config.a.b": {"$eq": 1}}, "1"), ({"config.flag": True}, "1"), ({"config.list": 9}, "012"),
    ({"summary_metrics.acc": {"$gte": 1.8}}, "12"), ({"summary_metrics.nested.deep": 1}, "1"),
    ({"tags": {"$in": ["t0", "t2"]}}, "02"), ({"state": {"$ne": "finished"}}, "3"),
    ({"group": "g"}, "12"), ({"jobType": "eval"}, "2"), ({"notes": {"$regex": "e 1"}}, "1"),
    ({"displayName": "run 1"}, "1"), ({"display_name": {"$regex": "^run [12]"}}, "12"),
    ({"name": {"$in": ids[:2]}}, "01"), ({"created_at": {"$lt": "2020-01-01"}}, ""),
    ({"createdAt": {"$gt": "2020-01-01T00:00:00"}}, "0123"), ({"username": "local"}, "0123"),
    ({"sweep": None}, "0123"),
]:
    assert found(filters) == expected, (filters, found(filters))
for order, expected in [("-created_at", "3210"), ("-summary_metrics.acc", "2103"),
                        ("+config.lr.value", "0123"), ("+state,-config.lr", "3210")]:
    assert found({}, order) == expected, (order, found({}, order))

run = wandb.Api().run("local/gradsweep/" + ids[1])
assert [row["_step"] for row in run.scan_history(min_step=3, max_step=6)] == [3, 4, 5]
keyed = run.scan_history(keys=["_step", "acc"], min_step=3, max_step=6)
assert [row["_step"] for row in keyed] == [3, 4, 5]
assert [row["_step"] for row in run.scan_history(page_size=3)] == list(range(10))
assert [row["_step"] for row in run.history(samples=4, pandas=False)] == [0, 3, 6, 9]
assert run.history(keys=["acc"], x_axis="loss", pandas=False)[1] == {"loss": 0.5, "acc": 0.2}
assert any(key.startswith("system.") for key in run.history(stream="events", pandas=False)[0])
assert any(key.startswith("system.") for key in run.system_metrics)
assert [line.content for line in run.console_logs()] == ["hello 1"]
assert "hello 1" in run.file("output.log").download(root="log").read()
assert run.metadata["program"]
rows = wandb.Api().runs("local/gradsweep").histories(samples=2, keys=["acc"], format="default")
assert {row["run_id"] for row in rows} == set(ids)

run.notes, run.group, run.tags = "changed", "other", ["z"]
run.config["new"], run.summary["y"] = 1, 2
run.update()
with open("up.txt", "w") as file:
    file.write("uploaded")
run.upload_file("up.txt")
again = wandb.Api().run("local/gradsweep/" + ids[1])
assert (again.notes, again.group, again.tags) == ("changed", "other", ["z"])
assert (again.config["new"], again.summary["y"], again.state) == (1, 2, "finished")
assert again.file("up.txt").download(root="up").read() == "uploaded"
again.file("up.txt").delete()
assert "up.txt" not in [f.name for f in wandb.Api().run("local/gradsweep/" + ids[1]).files()]
again.delete()
assert found({}) == "023"
"""
    )
