"""How runs end: finished, failed, killed, crashed and preempted are told apart."""

import json
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from src.wandb_server.scheduling.endings import stop_run
from tests.wandb_server.scheduling.scheduler_world import EXIT, World
from tests.wandb_server.server_harness import Client, ServerProcess, wait_for


def test_a_preempted_run_goes_on_under_its_own_name_with_any_agent(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    agent, other = world.agent(sweep), world.agent(sweep)
    name = world.take(agent)
    world.beat(agent, name)
    world.speak(name, 0.1, preempting=True)
    assert world.run(name).state == "preempting"
    world.speak(name, 0.2)
    assert world.run(name).active
    world.finish(name, exitcode=143)
    assert world.run(name).state == "preempted"
    assert world.state(sweep) == "RUNNING", "it still waits"
    (command,) = world.beat(other)
    assert command["type"] == "resume"
    assert command["run_id"] == name
    assert command["args"] == {x: {"value": v} for x, v in (world.run(name).params or {}).items()}
    assert world.run(name).agent_id == other
    assert world.take(other) == name, "the reply may have been lost"
    assert world.beat(agent) == []
    world.speak(name, 0.3)
    world.finish(name)
    assert world.run(name).state == "finished"
    assert world.state(sweep) == "FINISHED"
    assert world.beat(agent) == EXIT


def test_preempted_runs_go_on_in_the_order_in_which_they_were_started(world: World) -> None:
    sweep = world.sweep()
    agents = [world.agent(sweep) for _ in range(3)]
    names = [world.take(agent) for agent in agents]
    for name in reversed(names):
        world.speak(name, 0.1, preempting=True)
        world.finish(name, exitcode=143)
    assert [world.beat(agent)[0]["run_id"] for agent in agents] == names


def test_a_preempting_run_that_ends_well_is_finished(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    name = world.take(world.agent(sweep))
    world.speak(name, preempting=True)
    world.finish(name, exitcode=0)
    assert world.run(name).state == "finished"


def test_a_preempting_run_that_falls_silent_is_preempted(world: World) -> None:
    agent = world.agent(world.sweep())
    name = world.take(agent)
    world.speak(name, 0.1, preempting=True)
    world.beat(agent)
    world.wait(10)
    (command,) = world.beat(agent)
    assert command["type"] == "resume"
    assert command["run_id"] == name


def test_a_preempting_run_that_is_told_to_stop_does_not_come_back(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    agent = world.agent(sweep)
    name = world.take(agent)
    world.speak(name, 0.1, preempting=True)
    world.store.runs.update(world.run(name).id, should_stop=1)
    world.finish(name, exitcode=1)
    assert world.beat(agent) == EXIT
    assert world.state(sweep) == "FINISHED"


def test_a_run_that_was_stopped_can_be_resumed(world: World) -> None:
    world.mutate("upsertBucket", name="r", modelName="p")
    stop_run(world.store, world.run("r"))
    assert world.speak("r")["stopped"] is True
    world.finish("r", exitcode=255)
    world.mutate("upsertBucket", name="r", modelName="p")
    assert world.speak("r")["stopped"] is False
    resumed = world.run("r")
    assert (resumed.state, resumed.exitcode, resumed.should_stop) == ("running", None, False)
    world.finish("r", exitcode=1)
    assert world.run("r").state == "failed"


def test_a_run_that_was_stopped_can_be_rewound(world: World) -> None:
    world.mutate("upsertBucket", name="r", modelName="p")
    world.speak("r", 0.5)
    stop_run(world.store, world.run("r"))
    world.finish("r", exitcode=255)
    world.mutate("rewindRun", runName="r", projectName="p", metricName="_step", metricValue=0)
    assert world.speak("r")["stopped"] is False


def test_a_run_that_is_told_to_stop_is_not_kept_by_an_update_of_its_config(world: World) -> None:
    early = {"type": "hyperband", "min_iter": 1, "eta": 3}
    sweep = world.sweep(early_terminate=early)
    agents = [world.agent(sweep) for _ in range(2)]
    good, bad = (world.take(agent) for agent in agents)
    world.speak(good, 0.9)
    world.speak(bad, 0.1)
    assert world.run(bad).early_stop is not None
    world.mutate("upsertBucket", name=bad, modelName="p", sweep=sweep.name, config="{}")
    assert world.beat(agents[1], bad) == [{"type": "stop", "run_id": bad}]
    world.finish(bad, exitcode=1)
    assert world.beat(agents[1])[0]["run_id"] not in (good, bad)


def test_a_run_of_a_sweep_that_is_forked_from_another_has_its_history(world: World) -> None:
    world.mutate("upsertBucket", name="parent", modelName="p", config='{"lr": {"value": 1}}')
    world.speak("parent", 0.1, 0.2, 0.3)
    sweep = world.sweep()
    name = world.take(world.agent(sweep))
    point = {"_wandb": {"value": {"branch_point": {"run_id": "parent", "step": 1}}}}
    config = json.dumps(world.run(name).config | point)
    started = {"name": name, "modelName": "p", "sweep": sweep.name, "config": config}
    for inserted in (True, False):
        assert world.mutate("upsertBucket", "inserted", **started)["inserted"] is inserted
    world.speak(name, 0.4)
    run = world.run(name)
    rows = world.store.runs.rows(run.id, "history")
    assert [row["acc"] for row in rows] == [0.1, 0.2, 0.4]
    assert run.config.keys() == {"x", "lr", "_wandb"}
    assert world.store.runs.metric_histories(sweep.id) == {run.id: [0.4]}, "its own is judged"


_ENDS = """
import signal, sys, time, wandb
end = sys.argv[1]
run = wandb.init(id=end)
run.log({"acc": 1})
if end.startswith("preempting"):
    wandb.mark_preempting()
if end.endswith("exit0"): sys.exit(0)
if end.endswith("exit3"): sys.exit(3)
if end == "exception": raise ValueError
if end == "sigint": signal.raise_signal(signal.SIGINT)
time.sleep(600)
"""


@pytest.mark.slow
def test_the_client_ends_its_runs_in_every_way(server: ServerProcess, client: Client) -> None:
    expected: dict[str, tuple[str, int]] = {
        "exit0": ("finished", 0),
        "exit3": ("failed", 3),
        "exception": ("failed", 1),
        "sigint": ("killed", 255),
        "preempting-exit0": ("finished", 0),
        "preempting-exit3": ("preempted", 3),
    }
    processes = [client.start(sys.executable, "-c", _ENDS, end) for end in expected]
    for process in processes:
        process.communicate(timeout=120)
    rows = server.rows("SELECT name, state, exitcode FROM runs")
    assert {row["name"]: (row["state"], row["exitcode"]) for row in rows} == expected


_PREEMPTED_ONCE = """
import pathlib, sys, wandb
first = not pathlib.Path("seen").exists()
pathlib.Path("seen").touch()
with wandb.init(resume="allow") as run:
    start = run.starting_step
    for epoch in range(start, 6):
        run.log({"acc": epoch})
        if first and epoch == 2:
            wandb.mark_preempting()
            sys.exit(1)
"""


@pytest.mark.slow
@pytest.mark.parametrize("in_process", [False, True])
def test_a_preempted_run_of_a_real_agent_is_resumed_where_it_was(
    server: ServerProcess, client: Client, in_process: bool
) -> None:
    config: dict[str, Any] = {
        "program": "train.py",
        "method": "random",
        "run_cap": 1,
        "metric": {"name": "acc", "goal": "maximize"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
    }
    (client.folder / "train.py").write_text(_PREEMPTED_ONCE)
    sweep = client.create_sweep(config)
    if in_process:
        code = """
import runpy, sys, wandb
def train():
    try:
        runpy.run_path("train.py")
    except SystemExit:
        raise RuntimeError("preempted")
wandb.agent(sys.argv[1], function=train)
"""
        output = client.run(sys.executable, "-c", code, sweep)
    else:
        output = client.run("wandb", "agent", sweep)
    (run,) = server.rows("SELECT * FROM runs")
    assert run["state"] == "finished", output
    lines = server.rows("SELECT text FROM lines WHERE stream = 'history' ORDER BY position")
    assert [json.loads(line["text"])["acc"] for line in lines] == [0, 1, 2, 3, 4, 5], output
    assert server.rows("SELECT state FROM sweeps") == [{"state": "FINISHED"}]


@pytest.mark.slow
def test_a_killed_run_with_an_agent_that_is_gone_too_is_crashed(
    start_server: Callable[..., ServerProcess], tmp_path: Any
) -> None:
    server = start_server("--crash_after", "2")
    client = Client(server, tmp_path / "client")
    config = {"program": "train.py", "method": "random", "parameters": {"x": {"min": 0, "max": 9}}}
    sweep = client.create_sweep(config)
    code = f"""
import sys, time, wandb
def train():
    with wandb.init() as run:
        run.log({{"acc": 1}})
        time.sleep(600)
wandb.agent({sweep!r}, function=train)
"""
    agent = client.start(sys.executable, "-c", code)
    wait_for(lambda: server.rows("SELECT 1 FROM lines WHERE stream = 'history'"), "it logs")
    agent.send_signal(signal.SIGKILL)
    wait_for(lambda: server.rows("SELECT 1 FROM runs WHERE state = 'crashed'"), "it is crashed")
    client.end()
