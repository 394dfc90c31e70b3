"""The private parts of wandb: each is where it is looked for, and does what it is used for."""

import ast
import inspect
import sys
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from src.shared.paths import ROOT
from src.tracking import wandb_private
from tests.checkout import Checkout, copy_checkout
from tests.imports import imports, imports_of

MODULE = Path("src/tracking/wandb_private.py")
SWEEPS, AGENT = "wandb.apis.public.sweeps", "wandb.agents.pyagent"
# Each part, and how it is called: positional arguments, keywords.
CALLS: list[tuple[str, str, int, tuple[str, ...]]] = [
    ("wandb.sdk.lib.wbauth", "read_netrc_auth", 0, ("host",)),
    ("wandb.sdk.lib.service.service_connection", "WandbApiFailedError", 1, ()),
    ("wandb", "Settings.update_from_system_settings", 1, ()),
    ("wandb", "Settings.update_from_env_vars", 2, ()),
    (SWEEPS, "_upsert_sweep", 2, ("project", "entity")),
    (SWEEPS, "_upsert_sweep", 2, ("obj_id", "project", "entity")),
    (SWEEPS, "_set_sweep_state", 3, ("entity", "project")),
    (SWEEPS, "Sweep.load", 1, ("force",)),
    (AGENT, "Agent.__init__", 2, ("function",)),
    (AGENT, "Agent.run", 1, ()),
    (SWEEPS, "_agent_heartbeat", 4, ()),
    (AGENT, "Agent._run_job", 2, ()),
    (AGENT, "Agent._stop_run", 2, ()),
    (AGENT, "Agent._handle_errored_run", 3, ()),
    (AGENT, "Job", 1, ()),
]
# Attributes of its objects, which only those at work have: see the last test.
ATTRIBUTES = {
    *("_attrs", "_run_status", "_consecutive_failed_runs"),
    *("_api", "_api_lock", "_agent_id"),
}

# Nothing is called of these: importing the module tests them.
IMPORTED = {"pyagent", "SweepNotFoundError"}

LIFE_OF_A_SWEEP = """
import os, subprocess, threading
import wandb
from src.tracking import wandb_private

class Probe(wandb_private.InProcessAgent):
    failing = True
    def prepare(self, parameters):
        self.parameters, self.asked = parameters, threading.Event()
    def train(self):
        with wandb.init() as run:
            if self.failing:
                raise RuntimeError("on purpose")
            subprocess.run(["wandb", "sweep", "--cancel", path], check=True)
            assert self.asked.wait(60), "the agent was not asked to stop its run"
            run.log({"lr": run.config["lr"]})
    def stop_training(self):
        self.asked.set()

api = wandb.Api()
config = {"method": "grid", "parameters": {"lr": {"values": [0.1, 0.2, 0.3, 0.4]}}}
path = wandb_private.create_sweep(api, config, "gradsweep", None)
assert path.startswith("local/gradsweep/"), path

agent = Probe(path, 0.2, 2, tells_epochs=False)
agent.run()
assert agent.given_up

api = wandb.Api()  # an agent ends with the client's service, and so with all that used it
wandb_private.change_sweep(api, path, config | {"run_cap": 3})
assert wandb.Api().sweep(path).config["run_cap"] == 3

agent = Probe(path, 0.2, 2, tells_epochs=False)
agent.failing = False
agent.run()
assert not agent.given_up
assert agent.parameters["lr"] in (0.3, 0.4), agent.parameters
api = wandb.Api()
runs = api.sweep(path).runs
assert sum(run.state == "finished" for run in runs) == 1, [run.state for run in runs]

assert wandb_private.sweep_state(api, path) == "CANCELED"
wandb_private.resume_sweep(api, path)
assert wandb_private.sweep_state(api, path) == "RUNNING"

class Telling(Probe):
    def train(self):
        with wandb.init() as run:
            wandb.Api().run(run.path).stop()
            self.epoch_logged(0, {"lr": run.config["lr"]})
            assert self.asked.wait(60), "the answer to an epoch did not stop it"
            done.set()

done = threading.Event()
path = wandb_private.create_sweep(api, config, "gradsweep", None)
agent = Telling(path, 3600, 2, tells_epochs=True)  # its next heartbeat in turn is far away
threading.Thread(target=agent.run, daemon=True).start()
assert done.wait(90)
print("all done", flush=True)
os._exit(0)
"""


@pytest.mark.parametrize(("module", "name", "arguments", "keywords"), CALLS)
def test_each_part_is_where_it_is_looked_for_and_takes_what_it_is_given(
    module: str, name: str, arguments: int, keywords: tuple[str, ...]
) -> None:
    try:
        part = attrgetter(name)(import_module(module))
        inspect.signature(part).bind(*[None] * arguments, **dict.fromkeys(keywords))
    except (ImportError, AttributeError, TypeError) as error:
        pytest.fail(f"this wandb has changed {module}.{name} ({error}): mend {MODULE}")


def test_the_agent_has_the_settings_that_are_used() -> None:
    pyagent: Any = import_module(AGENT)
    assert pyagent.Agent.HEARTBEAT_SLEEP_SECONDS > 0
    assert pyagent.RunStatus.STOPPED
    assert pyagent.Job({"type": "run", "args": {"lr": 1}}).config == {"lr": 1}


def test_no_part_is_used_that_is_not_tested_here() -> None:
    source = (ROOT / MODULE).read_text()
    tested = {name.split(".")[-1] for _, name, _, _ in CALLS} | ATTRIBUTES | IMPORTED
    imported = {
        found.name
        for found in imports_of(source, str(MODULE))
        if found.module.startswith("wandb") and found.name
    }
    attributes = {
        node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)
    }
    own = {
        *("_max_failures", "_tells_epochs", "_tell_epochs", "_tell"),
        *("_epochs", "_run_id"),
    }
    private = {name for name in attributes if name.startswith("_") and not name.endswith("__")}
    assert imported | (private - own) <= tested


def test_no_other_module_reaches_behind_the_public_face_of_wandb() -> None:
    elsewhere = [
        str(found)
        for found in imports()
        if found.module.startswith("wandb.") and found.importer != wandb_private.__name__
    ]
    assert elsewhere == []
    reaching = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for room in ("tracking", "sweeps")
        for file in (ROOT / "src" / room).glob("*.py")
        if file != ROOT / MODULE
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls", "os"))
    ]
    assert reaching == []


@pytest.mark.slow
def test_a_sweep_is_made_changed_worked_on_ended_and_reopened(tmp_path: Path) -> None:
    """With the real client: the agent gives up after failures in a row, and asks a run to end."""
    checkout: Checkout = copy_checkout(tmp_path)
    with checkout.server() as environment:
        code, output = checkout.run(sys.executable, "-c", LIFE_OF_A_SWEEP, **environment)
    assert code == 0, output
    assert "all done" in output
