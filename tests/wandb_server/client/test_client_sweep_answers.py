"""What the client is told of a sweep, by its command line and its public API: all of it true."""

import pytest
import yaml

from tests.wandb_server.server_harness import Client, ServerProcess

DOUBTFUL = """
program: train.py
method: random
controller: {type: lokal}
parameters:
  lr: {distribution: log_uniform, min: 0.0001, max: 0.1}
  size: {values: [1, 2], probabilities: [0.5, 0.1]}
  decay: {values: [1e-3, 1e-4]}
"""


@pytest.fixture(scope="module")
def server(module_server: ServerProcess) -> ServerProcess:
    return module_server


def test_wandb_sweep_warns_of_what_a_file_hardly_means(
    server: ServerProcess, client: Client
) -> None:
    (client.folder / "sweep.yaml").write_text(DOUBTFUL)
    output = client.run("wandb", "sweep", "sweep.yaml")
    for warning in (
        "parameters.lr.min: log_uniform takes exponents of e, so it is drawn from 1.0001 to",
        "parameters.size.probabilities: sum to 0.6",
        "parameters.decay.values: '1e-3' is a text",
        "controller.type: 'lokal' is unknown",
    ):
        assert warning in output, output
    assert "wandb agent" in output, "it is made all the same"
    sound = yaml.safe_load(DOUBTFUL)
    sound["parameters"] = {"lr": {"min": 0.1, "max": 0.2}}
    del sound["controller"]
    (client.folder / "sweep.yaml").write_text(yaml.safe_dump(sound))
    assert "WARNING" not in client.run("wandb", "sweep", "sweep.yaml")


@pytest.mark.slow
def test_how_many_runs_are_expected_which_were_there_and_whether_it_has_begun(
    client: Client,
) -> None:
    client.python(
        """
import os, wandb
from wandb.apis.public.sweeps import Sweep

with wandb.init(config={"a": 1, "b": {"c": 2, "d": 1}}) as run:
    run.log({"x": 1})
three = {"values": [1, 2, 3]}
nested = {"parameters": {"c": three, "d": {"value": 1}}}
QUERY = '''query Sweep($project: String, $entity: String, $name: String!) {
  project(name: $project, entityName: $entity) { sweep(sweepName: $name) {
    id name state runCountExpected bestLoss config
    priorRuns { edges { node { id name } } } } } }'''
for expected, config in [
    (3, {"method": "grid", "parameters": {"a": three}}),
    (9, {"method": "grid", "parameters": {"a": three, "b": nested}}),
    (2, {"method": "grid", "run_cap": 2, "parameters": {"a": three}}),
    (None, {"method": "random", "parameters": {"a": three}}),
    (7, {"method": "random", "run_cap": 7, "parameters": {"a": three}}),
]:
    id = wandb.sweep(config, project="expected", prior_runs=[])
    sweep = wandb.Api().sweep(f"expected/{id}")
    assert (sweep.state, sweep.expected_run_count) == ("PENDING", expected), config
    assert repr(sweep) == f"<Sweep local/expected/{id} (PENDING)>"

id = wandb.sweep({"method": "random", "parameters": {"a": three}}, project=run.project,
                 prior_runs=[run.id])
with wandb.init(project=run.project, settings=wandb.Settings(sweep_id=id)) as joined:
    pass
sweep = Sweep.get(wandb.Api(), "local", run.project, id, query=QUERY)
assert [edge["node"]["name"] for edge in sweep._attrs["priorRuns"]["edges"]] == [run.id]
assert sweep.state == "RUNNING", "a run of its own has begun"
assert {r.id for r in wandb.Api().sweep(f"{run.project}/{id}").runs} == {run.id, joined.id}

id = wandb.sweep({"method": "grid", "parameters": {"a": three}}, project="expected")
states = []
def train():
    with wandb.init() as run:
        states.append(wandb.Api().sweep(f"expected/{id}").state)
wandb.agent(id, function=train, project="expected")
assert states == ["RUNNING"] * 3, states
assert wandb.Api().sweep(f"expected/{id}").state == "FINISHED"
"""
    )


@pytest.mark.slow
def test_a_sweep_and_its_runs_agree_on_the_project_that_nobody_has_named(
    server: ServerProcess, client: Client
) -> None:
    del client.environment["WANDB_PROJECT"], client.environment["WANDB_ENTITY"]
    (client.folder / "sweep.py").write_text(
        "import wandb\n"
        "sweep = {'method': 'random', 'run_cap': 1, 'parameters': {'a': {'value': 1}}}\n"
        "open('id.txt', 'w').write(wandb.sweep(sweep))\n"
    )
    client.run("python", "sweep.py")
    sweep = (client.folder / "id.txt").read_text()
    client.python(
        f"""
import wandb
with wandb.init(settings=wandb.Settings(sweep_id="{sweep}")) as run:
    assert run.sweep_id == "{sweep}"
    path = f"{{run.project}}/{sweep}"
    assert [r.id for r in wandb.Api().sweep(path).runs] == [run.id]
"""
    )
    client.python(f"import wandb; wandb.agent('{sweep}', function=lambda: wandb.init().finish())")
    (found,) = server.rows("SELECT id FROM sweeps WHERE name = ?", sweep)
    runs = server.rows("SELECT project_id FROM runs WHERE sweep_id = ?", found["id"])
    assert len(runs) == 2


SCHEDULED = """
program: train.py
method: custom
metric: {name: acc, goal: maximize}
run_cap: 3
scheduler: {engine: optuna}
parameters:
  lr: {min: 0.1, max: 0.5}
"""
TRAIN = """
import wandb
with wandb.init() as run:
    run.log({"acc": run.config["lr"]})
"""


@pytest.mark.slow
def test_wandbs_own_scheduler_suggests_the_runs_of_a_sweep(
    server: ServerProcess, client: Client
) -> None:
    (client.folder / "sweep.yaml").write_text(SCHEDULED)
    (client.folder / "train.py").write_text(TRAIN)
    output = client.run("wandb", "sweep", "sweep.yaml")
    sweep = output.rpartition("wandb sweep-scheduler ")[2].split()[0]
    options = ("--batch-size", "1", "--poll-interval", "1")
    scheduler = client.start("wandb", "sweep-scheduler", *options, sweep)
    client.run("wandb", "agent", sweep)
    said, _ = scheduler.communicate(timeout=120)
    assert scheduler.returncode == 0, said
    client.python(
        f"""
import wandb
sweep = wandb.Api().sweep("{sweep}")
assert sweep.state == "FINISHED" and sweep.expected_run_count == 3
runs = [run for run in sweep.runs if "lr" in run.config]
assert len({{run.config["lr"] for run in runs}}) == 3, [run.config for run in sweep.runs]
assert all(run.summary["acc"] == run.config["lr"] for run in runs)
"""
    )
    assert server.rows("SELECT name FROM runs WHERE name LIKE '%-scheduler'")
