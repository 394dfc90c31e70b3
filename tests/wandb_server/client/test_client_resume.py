"""A run's id used again: with each ``resume`` mode, without one, and by ``wandb sync``."""

import json
import sys
import time

from tests.wandb_server.server_harness import Client, ServerProcess, wait_for

_RUN = """
import os, sys, time, wandb
mode, id, points = sys.argv[1:4]
with wandb.init(id=id or None, resume=None if mode == "none" else mode) as run:
    for i in range(int(points)):
        run.log({"x": i})
    if "wait" in sys.argv:
        time.sleep(600)
"""


def _start(client: Client, mode: str, name: str, points: int) -> tuple[int, str]:
    process = client.start(sys.executable, "-c", _RUN, mode, name, str(points))
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def _steps(server: ServerProcess, name: str) -> list[int]:
    rows = server.rows(
        "SELECT text FROM lines l JOIN runs r ON r.id = l.run_id"
        " WHERE r.name = ? AND stream = 'history' ORDER BY position",
        name,
    )
    return [json.loads(row["text"])["_step"] for row in rows]


def test_each_resume_mode_goes_on_or_refuses_as_documented(
    server: ServerProcess, client: Client
) -> None:
    code, output = _start(client, "must", "a", 1)
    assert code != 0
    assert "does not exist" in output
    assert _start(client, "never", "a", 2)[0] == 0
    code, output = _start(client, "never", "a", 2)
    assert code != 0
    assert "already exists" in output
    assert _start(client, "allow", "a", 2)[0] == 0
    assert _start(client, "must", "a", 1)[0] == 0
    assert _steps(server, "a") == [0, 1, 2, 3, 4]
    assert _start(client, "none", "a", 3)[0] == 0
    assert _steps(server, "a") == [0, 1, 2], "not resumed: the run started anew"
    assert _start(client, "allow", "b", 1)[0] == 0
    assert _steps(server, "b") == [0]


def test_auto_resumes_the_run_of_a_process_that_was_killed(
    server: ServerProcess, client: Client
) -> None:
    process = client.start(sys.executable, "-c", _RUN, "auto", "", "2", "wait")
    wait_for(lambda: len(server.rows("SELECT 1 FROM lines WHERE stream = 'history'")) == 2, "logs")
    process.kill()
    process.wait()
    time.sleep(1)  # its orphaned service process may still send what it has
    assert _start(client, "auto", "", 2)[0] == 0
    (run,) = server.rows("SELECT name, state FROM runs")
    assert run["state"] == "finished"
    assert _steps(server, run["name"]) == [0, 1, 2, 3]


def test_a_run_that_is_synced_twice_is_there_once(server: ServerProcess, client: Client) -> None:
    client.environment["WANDB_MODE"] = "offline"
    sweep = server.graphql(
        'mutation { upsertSweep(input: {projectName: "gradsweep", entityName: "local", config:'
        ' "{method: random, parameters: {x: {value: 1}}}"}) { sweep { name } } }'
    )["upsertSweep"]["sweep"]["name"]
    client.environment |= {"WANDB_SWEEP_ID": sweep, "WANDB_RUN_ID": "off"}
    client.python(
        """
import wandb
with wandb.init(tags=["kept"], notes="n", job_type="j") as run:
    for i in range(4):
        run.log({"acc": i})
    print("said offline")
    artifact = wandb.Artifact("made", "data")
    with artifact.new_file("x.txt") as file:
        file.write("x")
    run.log_artifact(artifact)
"""
    )
    for name in ("WANDB_MODE", "WANDB_SWEEP_ID", "WANDB_RUN_ID"):
        del client.environment[name]
    (folder,) = (client.folder / "wandb").glob("offline-run-*")
    for _ in range(2):
        client.run("wandb", "sync", "--include-synced", str(folder))
    client.python(
        """
import wandb
run = wandb.Api().run("local/gradsweep/off")
assert (run.state, run.tags, run.notes, run.job_type) == ("finished", ["kept"], "n", "j")
assert [row["acc"] for row in run.scan_history()] == [0, 1, 2, 3]
assert [line.content for line in run.console_logs()] == ["said offline"]
assert [a.name for a in run.logged_artifacts()] == ["made:v0"]
assert [r.id for r in wandb.Api().sweep(f"local/gradsweep/{run.sweep_name}").runs] == ["off"]
"""
    )
    assert _steps(server, "off") == [0, 1, 2, 3]


def test_a_run_is_forked_from_a_step_of_another_and_rewound_to_one_of_its_own(
    server: ServerProcess, client: Client
) -> None:
    client.python(
        """
import numpy as np, wandb
with wandb.init(id="parent", config={"lr": 1, "kept": 2}) as run:
    for i in range(5):
        run.log({"x": i * 10, "y": -i})
    run.log({"picture": wandb.Image(np.zeros((4, 4, 3), dtype=np.uint8))})

def seen(name):
    run = wandb.Api().run(f"gradsweep/{name}")
    rows = [(row["_step"], row["x"]) for row in run.scan_history(keys=["_step", "x"])]
    return rows, {k: v for k, v in run.summary.items() if k in "xy"}, run.config

whole = [(i, i * 10) for i in range(5)]
with wandb.init(id="child", fork_from="parent?_step=2", config={"lr": 3}) as run:
    assert run.starting_step == 3
    assert seen("child") == (whole[:3], {"x": 20, "y": -2}, {"lr": 3, "kept": 2})
    for i in range(2):
        run.log({"x": 1000 + i})
forked = whole[:3] + [(3, 1000), (4, 1001)]
assert seen("child") == (forked, {"x": 1001, "y": -2}, {"lr": 3, "kept": 2}), seen("child")
assert seen("parent")[0] == whole, "it is as it was"

with wandb.init(id="child", resume="must") as run:
    assert run.starting_step == 5
    run.log({"x": 1002})
assert seen("child")[0] == [*forked, (5, 1002)]
with wandb.init(id="grandchild", fork_from="child?_step=3"):
    pass
wandb.Api().run("gradsweep/child").delete()
assert seen("grandchild")[0] == forked[:4]
with wandb.init(id="last", fork_from="parent?_step=5"):
    pass
assert any("picture" in f.name for f in wandb.Api().run("gradsweep/last").files())

with wandb.init(resume_from="parent?_step=1") as run:
    assert (run.id, run.starting_step) == ("parent", 2)
    assert seen("parent")[:2] == (whole[:2], {"x": 10, "y": -1})
    run.log({"x": 7})
assert seen("parent")[0] == [*whole[:2], (2, 7)]
with wandb.init(resume_from="grandchild?_step=1") as run:
    run.log({"x": 8})
assert seen("grandchild")[0] == [*whole[:2], (2, 8)]

for n, (point, reason) in enumerate({
    "nobody?_step=1": "fork_from: no run nobody in project gradsweep",
    "last?_step=6": "fork_from: run last has no step 6; its last one is 5",
    "last?_step=-1": "fork_from: run last has no step -1; its last one is 5",
}.items()):
    try:
        wandb.init(id=f"orphan{n}", fork_from=point)
    except wandb.Error as error:
        assert reason in str(error), error
    else:
        raise AssertionError(f"{point}: there is nothing to go on from")
try:
    wandb.init(resume_from="last?_step=6")
except wandb.Error as error:
    assert "resume_from: run last has no step 6; its last one is 5" in str(error), error
else:
    raise AssertionError("there is nothing to go back to")
assert seen("last")[0] == whole
"""
    )
    assert server.rows("SELECT 1 FROM runs WHERE name LIKE 'orphan%'") == []
