"""An agent whose runs come to nothing, one after the other, is given no more; others go on."""

import json
import logging
import re
from typing import Any

import pytest

from src.wandb_server.scheduling.benching import agent_state
from src.wandb_server.scheduling.endings import end_run
from src.wandb_server.states import RunState
from tests.wandb_server.scheduling.scheduler_world import EXIT, World
from tests.wandb_server.server_harness import Client, ServerProcess

GRID: dict[str, Any] = {"method": "grid", "parameters": {"x": {"values": [1, 2, 3, 4]}}}


def _fail(world: World, agent: int, *values: float) -> str:
    name = world.take(agent)
    world.speak(name, *values)
    world.finish(name, exitcode=1)
    return name


def _benched(world: World, agent: int) -> bool:
    found = world.store.sweeps.agent(agent)
    assert found is not None
    return bool(found.benched)


def test_three_failures_in_a_row_without_a_point_bench_an_agent_and_say_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    agent, other = (world.agent(world.sweep()) for _ in range(2))
    _fail(world, agent)
    _fail(world, agent)
    assert not _benched(world, agent)
    with caplog.at_level(logging.WARNING):
        _fail(world, agent)
    assert re.search(
        r"agent \S+ on host gets no more runs of sweep \S+: the last 3 failed without logging acc",
        caplog.text,
    )
    assert world.beat(agent) == EXIT
    assert _benched(world, agent)
    assert world.take(other)


def test_the_state_of_an_agent_is_what_it_was_told_or_how_long_it_is_silent(world: World) -> None:
    def state(agent: int) -> str:
        found = world.store.sweeps.agent(agent)
        assert found is not None
        return agent_state(found, world.liveness)

    working, over, failing = (world.agent(world.sweep(run_cap=n)) for n in (9, 1, 9))
    world.finish(world.take(over))
    assert world.beat(over) == EXIT
    for _ in range(3):
        _fail(world, failing)
    assert [state(agent) for agent in (working, over, failing)] == [
        "RUNNING",
        "FINISHED",
        "BENCHED",
    ]
    world.wait(30)
    assert state(working) == "RUNNING"
    world.wait(0.5)
    assert [state(agent) for agent in (working, over, failing)] == [
        "CRASHED",
        "FINISHED",
        "BENCHED",
    ]


def test_failures_after_a_point_or_with_a_success_between_do_not_bench(world: World) -> None:
    agent = world.agent(world.sweep())
    for _ in range(4):
        _fail(world, agent, 0.1)  # they diverged
    for _ in range(3):
        _fail(world, agent)
        _fail(world, agent)
        world.finish(world.take(agent))
    name = world.take(agent)
    world.speak(name, files={"wandb-summary.json": {"offset": 0, "content": ['{"acc": 1}']}})
    world.finish(name, exitcode=1)
    assert not _benched(world, agent)
    assert world.take(agent)


def test_failures_of_runs_that_were_told_to_stop_do_not_bench(world: World) -> None:
    agent = world.agent(world.sweep())
    for _ in range(4):
        name = world.take(agent)
        world.store.runs.update(world.run(name).id, should_stop=1)
        world.finish(name, exitcode=1)
    assert not _benched(world, agent)


def test_crashes_count_and_without_a_metric_any_logged_line_is_a_point(world: World) -> None:
    agent = world.agent(world.sweep(metric=None))
    for _ in range(3):
        end_run(world.store, world.run(world.take(agent)), RunState.CRASHED)
    assert _benched(world, agent)
    fine = world.agent(world.sweep(metric=None))
    for _ in range(4):
        _fail(world, fine, 0.1)
    assert not _benched(world, fine)


def test_the_configurations_that_a_benched_agent_spoiled_are_tried_by_others_once(
    world: World,
) -> None:
    sweep = world.sweep(**GRID, run_cap=4)
    bad = world.agent(sweep)
    spoiled = [world.run(_fail(world, bad)).params for _ in range(3)]
    good = world.agent(sweep)
    retried = [world.take(good)]
    world.speak(retried[0], 0.5)
    world.finish(retried[0], exitcode=1)  # that was its second chance
    for _ in range(3):
        retried.append(world.take(good))
        world.speak(retried[-1], 0.5)
        world.finish(retried[-1])
    params = [world.run(name).params for name in retried]
    assert params[:3] == spoiled
    assert sorted(p["x"] for p in params if p) == [1, 2, 3, 4]
    assert world.state(sweep) == "FINISHED"
    assert world.beat(good) == EXIT


def test_a_configuration_that_one_benched_agent_crashed_twice_is_not_lost(world: World) -> None:
    sweep = world.sweep(**GRID)
    bad, good = world.agent(sweep), world.agent(sweep)
    for _ in range(3):  # the first one, its retry, another one
        end_run(world.store, world.run(world.take(bad)), RunState.CRASHED)
    seen = [world.run(world.take(good)).params for _ in range(1)]
    assert seen == [{"x": 1}]


def test_the_bench_outlives_the_server(world: World) -> None:
    agent = world.agent(world.sweep())
    for _ in range(3):
        _fail(world, agent)
    world.open()
    assert world.beat(agent) == EXIT


_TRAIN = """
import os, sys, time
import wandb
with wandb.init() as run:
    if os.environ.get("BROKEN"):
        sys.exit(1)
    for epoch in range(2):
        run.log({"acc": run.config["x"] * (epoch + 1)})
    time.sleep(1)
"""


@pytest.mark.slow
def test_a_real_agent_with_a_broken_environment_is_benched_and_a_healthy_one_does_its_work(
    server: ServerProcess, client: Client
) -> None:
    config = GRID | {"program": "train.py", "metric": {"name": "acc", "goal": "maximize"}}
    (client.folder / "train.py").write_text(_TRAIN)
    path = client.create_sweep(config)
    client.environment |= {"WANDB_AGENT_DISABLE_FLAPPING": "true", "BROKEN": "1"}
    output = client.run("wandb", "agent", path)
    assert "Received exit command" in output
    states = [row["state"] for row in server.rows("SELECT state FROM runs")]
    assert states == ["failed"] * 3
    del client.environment["BROKEN"]
    client.run("wandb", "agent", path)
    runs = server.rows("SELECT * FROM runs ORDER BY id")
    assert [run["state"] for run in runs] == ["failed"] * 3 + ["finished"] * 4
    healthy = [json.loads(run["params"])["x"] for run in runs[3:]]
    assert sorted(healthy) == [1, 2, 3, 4]
    assert [run["retry_of"] for run in runs[3:6]] == [run["id"] for run in runs[:3]]
    project, sweep = path.split("/")[-2:]
    agents = server.graphql(
        "query($p: String, $s: String) { project(name: $p) { sweep(sweepName: $s)"
        " { state agents { edges { node { state } } } } } }",
        p=project,
        s=sweep,
    )["project"]["sweep"]
    assert [edge["node"]["state"] for edge in agents["agents"]["edges"]] == ["BENCHED", "FINISHED"]
    assert agents["state"] == "FINISHED"
    page = server.page(f"/local/{project}/sweeps/{sweep}").text
    assert "benched" in page
    server.end()
    assert server.output.count("gets no more runs") == 1
