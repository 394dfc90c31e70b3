"""Sweeps as ``wandb sweep`` and the public API change and read them, and what agents then do."""

import pytest

from tests.wandb_server.server_harness import Client, ServerProcess

pytestmark = pytest.mark.slow

_SWEEPS = """
import re, subprocess, wandb, yaml

def cli(*arguments):
    return subprocess.run(["wandb", *arguments], stdin=subprocess.DEVNULL, text=True, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout

def written(**changes):
    config = {"program": "train.py", "method": "random", "run_cap": 1,
              "metric": {"name": "acc", "goal": "maximize"},
              "parameters": {"lr": {"min": 0.1, "max": 0.5}, "constant": {"value": 3},
                             "model": {"parameters": {"units": {"values": [1, 2]}}}}}
    with open("sweep.yaml", "w") as file:
        yaml.safe_dump(config | changes, file)
    return "sweep.yaml"

def created(*options, **changes):
    return re.search(r"wandb agent (\\S+)", cli("sweep", *options, written(**changes)))[1]

def read(path):
    return wandb.Api().sweep(path)

with open("train.py", "w") as file:
    file.write('''
import wandb
with wandb.init() as run:
    run.log({"acc": run.config["lr"]})
''')
"""


def test_runs_are_queued_read_by_agent_and_the_sweep_is_changed_by_the_command_line(
    client: Client,
) -> None:
    client.python(
        _SWEEPS
        + """
path = created()
read(path).enqueue_run({"lr": 0.25, "model": {"units": 2}}, display_name="by hand")
cli("agent", "--count", "1", path)
sweep = read(path)
(run,) = sweep.runs
assert (run.name, run.state, sweep.state) == ("by hand", "finished", "FINISHED")
assert run.config == {"lr": 0.25, "constant": 3, "model": {"units": 2}}
(agent,) = sweep.agents()
assert [r.id for r in agent.runs()] == [run.id]
assert repr(sweep.agent(agent.id)) == repr(agent)
try:
    sweep.enqueue_run({"lr": 0.3})
except Exception as error:
    assert "finished" in str(error)
else:
    raise AssertionError("an agent would never start it")

cli("sweep", "--update", path, written(run_cap=2))
cli("sweep", "--resume", path)
assert read(path).state == "RUNNING"
cli("agent", path)
sweep = read(path)
assert (len(sweep.runs), sweep.state, sweep.expected_run_count) == (2, "FINISHED", 2)
assert sweep.best_run().summary["acc"] == max(r.summary["acc"] for r in sweep.runs)
assert [s.id for s in wandb.Api().project("gradsweep").sweeps()] == [sweep.id]

other = created()
read(other).enqueue_run({"lr": 0.2, "model": {"units": 1}})
cli("sweep", "--cancel", other)
assert [run.state for run in read(other).runs] == ["killed"], "it will never be started"
other = created()
cli("sweep", "--stop", other)
assert read(other).state == "FINISHED"
"""
    )


def test_prior_runs_start_a_sweep_and_a_run_that_reaches_the_target_ends_it(
    server: ServerProcess, client: Client
) -> None:
    client.python(
        _SWEEPS
        + """
ids = []
for lr in (0.1, 0.2):
    with wandb.init(config={"lr": lr, "constant": 3, "model": {"units": 1}}) as run:
        run.log({"acc": lr})
        ids.append(run.id)
goal = {"name": "acc", "goal": "maximize", "target": 0.3}
path = created("-R", ids[0], "-R", ids[1], metric=goal, run_cap=50, method="bayes",
               parameters={"lr": {"min": 0.31, "max": 0.5}, "constant": {"value": 3},
                           "model": {"parameters": {"units": {"values": [1, 2]}}}})
assert {run.id for run in read(path).runs} == set(ids)
cli("agent", path)
sweep = read(path)
assert (sweep.state, len(sweep.runs)) == ("FINISHED", 3)
assert sweep.best_run().id not in ids
"""
    )
    (sweep,) = server.rows("SELECT state FROM sweeps")
    assert sweep["state"] == "FINISHED"


def test_every_documented_distribution_reaches_the_runs_of_one_random_sweep(
    client: Client,
) -> None:
    client.python(
        """
import math, wandb

PARAMETERS = {
    "constant": {"value": "c"},
    "categorical": {"values": ["a", None, 2, [1, 2]]},
    "categorical_w_probabilities": {"values": [1, 2], "probabilities": [0.0, 1.0]},
    "int_uniform": {"min": 1, "max": 4},
    "uniform": {"min": 0.0, "max": 0.5},
    "q_uniform": {"min": 0.0, "max": 10.0, "q": 2.5},
    "log_uniform": {"min": -3.0, "max": -1.0},
    "q_log_uniform": {"min": 1.0, "max": 3.0, "q": 2},
    "inv_log_uniform": {"min": 1.0, "max": 3.0},
    "log_uniform_values": {"min": 1e-5, "max": 1e-1},
    "q_log_uniform_values": {"min": 8, "max": 256, "q": 8},
    "inv_log_uniform_values": {"min": 0.01, "max": 1.0},
    "normal": {"mu": 100.0, "sigma": 1.0},
    "q_normal": {"mu": 0.0, "sigma": 10.0, "q": 5},
    "log_normal": {"mu": 0.0, "sigma": 1.0},
    "q_log_normal": {"mu": 2.0, "sigma": 1.0, "q": 1},
    "beta": {"a": 2.0, "b": 5.0},
    "q_beta": {"a": 2.0, "b": 5.0, "q": 0.1},
}
for name, parameter in PARAMETERS.items():
    if name != "constant":
        parameter["distribution"] = name
nested = {name: dict(PARAMETERS[name]) for name in ("uniform", "categorical")}
parameters = {**PARAMETERS, "nested": {"parameters": {"deep": {"parameters": nested}}}}

def between(value, low, high, q=None):
    assert low - 1e-9 <= value <= high + 1e-9, value
    assert q is None or math.isclose(value / q, round(value / q), abs_tol=1e-9), value

def train():
    with wandb.init() as run:
        c = run.config
        assert c["constant"] == "c" and c["categorical_w_probabilities"] == 2
        assert c["categorical"] in ("a", None, 2, [1, 2])
        between(c["int_uniform"], 1, 4, 1)
        between(c["uniform"], 0, 0.5)
        between(c["q_uniform"], 0, 10, 2.5)
        between(c["log_uniform"], math.exp(-3), math.exp(-1))
        between(c["q_log_uniform"], 2, math.exp(3), 2)
        between(c["inv_log_uniform"], math.exp(-3), math.exp(-1))
        between(c["log_uniform_values"], 1e-5, 1e-1)
        between(c["q_log_uniform_values"], 8, 256, 8)
        between(c["inv_log_uniform_values"], 0.01, 1)
        between(c["normal"], 80, 120)
        between(c["q_normal"], -200, 200, 5)
        between(c["log_normal"], 1e-9, math.inf)
        between(c["q_log_normal"], 0, 1e5, 1)
        between(c["beta"], 0, 1)
        between(c["q_beta"], 0, 1, 0.1)
        between(c["nested"]["deep"]["uniform"], 0, 0.5)
        assert c["nested"]["deep"]["categorical"] in ("a", None, 2, [1, 2])
        run.log({"x": 1})

id = wandb.sweep({"method": "random", "run_cap": 2, "parameters": parameters})
wandb.agent(id, function=train)
runs = wandb.Api().sweep("local/gradsweep/" + id).runs
assert [run.state for run in runs] == ["finished", "finished"]
assert runs[0].config["nested"] != runs[1].config["nested"]
assert set(runs[0].config) == set(parameters)
"""
    )
