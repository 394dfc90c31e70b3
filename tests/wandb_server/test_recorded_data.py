"""The data folder of an earlier server opens: all of it is served, and its sweep can go on.

``recorded_data`` was written by the server of commit bd7f35d: a grid of which five runs were made.
Only the last run's picture and weights were kept of all the runs', to save space.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from src.wandb_server.store.backups import Why, backups_of
from tests.wandb_server.server_harness import Client, ServerProcess

RECORDED = Path(__file__).parent / "recorded_data"
SWEEP = "local/gradsweep/sweeps/y7prqc13"
BEST = {"pkf9q3tu", "69ri7jsa"}  # both with a val_accuracy of 1.0
RUNS = ["syopd211", "hj2f60jv", "d76wf717", "pkf9q3tu", "69ri7jsa"]
OPTIMIZERS = ["sgd", "momentum", "nag", "rmsprop", "adam"]


def copied(folder: Path) -> Path:
    data = shutil.copytree(RECORDED, folder / "data")
    (data / "api_key").chmod(0o600)
    return data


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all the tests that only read."""
    server = ServerProcess(copied(tmp_path_factory.mktemp("recorded")))
    server.start()
    yield server
    assert server.end() == 0
    assert server.missing_fields() == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "local/gradsweep",
        SWEEP,
        f"local/gradsweep/compare?runs={','.join(RUNS)}",
        *(f"local/gradsweep/runs/{name}" for name in RUNS),
    ],
)
def test_its_pages_open(server: ServerProcess, path: str) -> None:
    page = server.page(f"/{path}")
    assert page.status_code == 200
    assert "gradsweep" in page.text


def test_it_was_backed_up_before_its_tables_were_changed(server: ServerProcess) -> None:
    made = backups_of(server.data / "server.db")  # soon the day's as well, maybe of the same second
    [backup] = [one for one in made if one.why is Why.MIGRATION]
    with contextlib.closing(sqlite3.connect(backup.path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (3,)
        assert db.execute("SELECT count(*) FROM runs").fetchone() == (5,)


def test_its_pages_show_the_best_run_and_what_it_logged(server: ServerProcess) -> None:
    sweep = server.page(f"/{SWEEP}").text
    assert all(optimizer in sweep for optimizer in OPTIMIZERS)
    assert "exited" in sweep, "so did both agents"
    run = "/local/gradsweep/runs/69ri7jsa"
    page = server.page(run).text
    assert "Ran to its end" in page
    assert "val_accuracy" in page
    assert "best_model_69ri7jsa:v0" in page
    picture = "files/media/images/confusion_matrix_heatmap_5_7c76368470c432e301b7.png"
    assert picture in page
    reply = server.page(f"{run}/{picture}?view=1")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/png")


def test_what_started_a_run_is_told_as_its_client_told_it(server: ServerProcess) -> None:
    # As launch and earlier clients ask for it.
    query = """{ project(name: "gradsweep") { run(name: "69ri7jsa") {
        runInfo { program args os python executable git { remote commit } } } } }"""
    told = server.graphql(query)["project"]["run"]["runInfo"]
    assert told == {
        "program": "-m src.sweeps.agent",
        "args": [
            *("local/gradsweep/y7prqc13", "--poll_seconds", "1.0"),
            *("--models_dir", "/home/user/gradsweep/models/sweep_y7prqc13"),
        ],
        "os": "Linux-6.1-x86_64-with-glibc2.36",
        "python": "CPython 3.11.7",
        "executable": "/home/user/gradsweep/.venv/bin/python",
        "git": {
            "remote": "/home/user/gradsweep",
            "commit": "bd7f35d657d88fb6052ad10b5096c648081773d4",
        },
    }


def test_a_client_reads_its_sweep_runs_histories_and_artifacts(client: Client) -> None:
    client.python(
        f"""
import json, pathlib, wandb
api = wandb.Api()
sweep = api.sweep("local/gradsweep/y7prqc13")
assert (sweep.state, sweep.config["method"], sweep.expected_run_count) == ("FINISHED", "grid", 5)
assert sweep.best_run().id in {BEST!r}
runs = {{run.id: run for run in sweep.runs}}
assert sorted(runs) == sorted({RUNS!r})
assert {{run.state for run in runs.values()}} == {{"finished"}}
assert [runs[name].config["optimizer"] for name in {RUNS!r}] == {OPTIMIZERS!r}
best = {{name for name, run in runs.items() if run.summary["best_val_accuracy"] == 1.0}}
assert best == {BEST!r}
run = api.run("local/gradsweep/69ri7jsa")
epochs = [row for row in run.scan_history() if "val_accuracy" in row]
assert [row["epoch"] for row in epochs] == [1, 2, 3, 4, 5]
assert max(row["val_accuracy"] for row in epochs) == 1.0
assert len(run.history(keys=["val_loss"], pandas=False)) == 5
metadata = run.file("wandb-metadata.json").download(root="files").read()
assert json.loads(metadata)["program"] == "-m src.sweeps.agent"
artifact = api.artifact("local/gradsweep/best_model_69ri7jsa:latest")
assert artifact.version == "v0" and artifact.metadata["epoch"] == 5
folder = pathlib.Path(artifact.download(root="model"))
artifact.verify(root=str(folder))
assert sorted(path.name for path in folder.iterdir()) == [
    "best_model_69ri7jsa.json", "best_model_69ri7jsa.weights.h5"]
assert artifact.logged_by().id == "69ri7jsa"
"""
    )


@pytest.mark.slow
def test_an_agent_goes_on_with_its_sweep(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    client = Client(start_server(data=copied(tmp_path)), tmp_path / "client")
    client.python(
        """
import pathlib, subprocess, wandb, yaml
path = "local/gradsweep/y7prqc13"
config = wandb.Api().sweep(path).config
with open("sweep.yaml", "w") as file:
    yaml.safe_dump(config | {"run_cap": 7}, file)
pathlib.Path("src").mkdir()
with open("src/train.py", "w") as file:
    file.write('''
import wandb
with wandb.init() as run:
    for epoch in range(2):
        run.log({"val_accuracy": 0.5 + epoch / 4})
''')
for command in (["sweep", "--update", path, "sweep.yaml"], ["sweep", "--resume", path],
                ["agent", path]):
    subprocess.run(["wandb", *command], stdin=subprocess.DEVNULL, check=True)
sweep = wandb.Api().sweep(path)
assert sweep.state == "FINISHED"
new = sorted(sweep.runs, key=lambda run: int(run.name.removeprefix("run-")))[5:]
# The next two of the grid, in which the learning rate changes last but one.
assert [(run.name, run.config["optimizer"], run.state) for run in new] == [
    ("run-6", "nadam", "finished"), ("run-7", "adamw", "finished")]
assert [run.summary["val_accuracy"] for run in new] == [0.75, 0.75]
"""
    )
