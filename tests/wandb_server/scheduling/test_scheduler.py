"""What agents are told, decided on a real store, with a clock that the test moves."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from src.wandb_server.errors import NotFoundError
from src.wandb_server.scheduling.endings import end_run
from src.wandb_server.states import RunState
from tests.wandb_server.scheduling.scheduler_world import EXIT, World


def test_a_run_command_carries_the_parameters_as_the_client_wants_them(world: World) -> None:
    agent = world.agent(world.sweep(parameters={"x": {"values": [3]}}))
    (command,) = world.beat(agent)
    assert command["args"] == {"x": {"value": 3}}
    assert command["program"] == "train.py"
    assert world.run(command["run_id"]).state == "pending"


def test_a_lost_reply_is_made_good_by_offering_the_same_run_again(world: World) -> None:
    agent = world.agent(world.sweep())
    name = world.take(agent)
    assert world.take(agent) == name
    world.beat(agent, name)
    assert world.beat(agent, name) == []


def test_a_program_that_never_starts_a_run_does_not_get_it_for_ever(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    agent = world.agent(sweep)
    started = []
    for _ in range(20):
        world.wait(10)
        started += [c["run_id"] for c in world.beat(agent) if c["type"] == "run"]
    assert len(started) == 4, "each of the two runs was offered twice"
    assert len(set(started)) == 2, "the configuration was tried again once"
    assert world.beat(agent) == EXIT
    assert world.state(sweep) == "FINISHED"


def test_a_run_that_its_agent_no_longer_has_is_crashed_after_a_grace(world: World) -> None:
    agent = world.agent(world.sweep())
    name = world.take(agent)
    world.speak(name, 0.5)
    world.beat(agent, name)
    assert world.beat(agent) == []
    world.wait(9)
    assert world.beat(agent) == []
    world.wait(2)
    (command,) = world.beat(agent)
    assert world.run(name).state == "crashed"
    assert world.run(command["run_id"]).retry_of == world.run(name).id


def test_a_crashed_configuration_is_tried_again_once(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    agent = world.agent(sweep)
    first = world.take(agent)
    end_run(world.store, world.run(first), RunState.CRASHED)
    second = world.take(agent)
    assert world.run(second).params == world.run(first).params
    end_run(world.store, world.run(second), RunState.CRASHED)
    assert world.beat(agent) == EXIT


def test_a_configuration_killed_by_its_user_is_tried_again_every_time(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    agent = world.agent(sweep)
    params = set()
    for _ in range(3):
        name = world.take(agent)
        params.add(json.dumps(world.run(name).params))
        world.finish(name, exitcode=255)
        assert world.run(name).state == "killed"
        assert world.state(sweep) == "RUNNING"
    assert len(params) == 1
    world.finish(world.take(agent))
    assert world.state(sweep) == "FINISHED"


def test_failed_runs_count_towards_the_cap_and_are_not_tried_again(world: World) -> None:
    sweep = world.sweep(run_cap=2)
    agent = world.agent(sweep)
    world.finish(world.take(agent), exitcode=1)
    world.finish(world.take(agent))
    assert [run.state for run in world.store.runs.of_sweep(sweep.id)] == ["failed", "finished"]
    assert world.state(sweep) == "FINISHED"
    assert world.beat(agent) == EXIT


def test_an_idle_agent_waits_until_no_run_can_crash_any_more(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    busy, idle = world.agent(sweep), world.agent(sweep)
    name = world.take(busy)
    assert world.beat(idle) == []
    end_run(world.store, world.run(name), RunState.CRASHED)
    retry = world.take(idle)
    world.finish(retry)
    assert world.beat(idle) == EXIT


def test_the_cap_is_never_exceeded_by_agents_that_ask_at_once(world: World) -> None:
    sweep = world.sweep(run_cap=3)
    agents = [world.agent(sweep) for _ in range(5)]
    commands = [command for agent in agents for command in world.beat(agent)]
    assert len(commands) == 3
    assert len({json.dumps(run.params) for run in world.store.runs.of_sweep(sweep.id)}) == 3


def test_agents_that_ask_at_the_same_time_get_different_configurations(world: World) -> None:
    values = list(range(12))
    sweep = world.sweep(method="grid", parameters={"x": {"values": values}})
    agents = [world.agent(sweep) for _ in values]
    with ThreadPoolExecutor(len(agents)) as pool:
        names = list(pool.map(world.take, agents))
    taken = [params["x"] for name in names if (params := world.run(name).params)]
    assert sorted(taken) == values


def test_a_run_that_ends_while_it_is_judged_keeps_its_end(world: World) -> None:
    name = world.take(world.agent(world.sweep()))
    seen = world.run(name)
    world.finish(name)
    end_run(world.store, seen, RunState.CRASHED)
    assert world.run(name).state == "finished"


def test_an_exhausted_grid_ends_the_sweep(world: World) -> None:
    sweep = world.sweep(method="grid", parameters={"x": {"values": [1, 2]}})
    agent = world.agent(sweep)
    for _ in range(2):
        world.finish(world.take(agent))
    assert world.beat(agent) == EXIT
    assert world.state(sweep) == "FINISHED"


def test_a_paused_sweep_starts_nothing_and_a_raised_cap_reopens_one(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    agent = world.agent(sweep)
    world.store.sweeps.update(sweep.id, state="PAUSED")
    assert world.beat(agent) == []
    world.store.sweeps.update(sweep.id, state="RUNNING")
    world.finish(world.take(agent))
    assert world.beat(agent) == EXIT
    config = yaml.safe_load(sweep.config) | {"run_cap": 2}
    world.store.sweeps.update(sweep.id, state="RUNNING", config=yaml.safe_dump(config))
    assert world.take(agent)


def test_exit_is_not_sent_to_an_agent_with_a_run_unless_cancelled(world: World) -> None:
    sweep = world.sweep()
    agent = world.agent(sweep)
    name = world.take(agent)
    world.store.sweeps.update(sweep.id, state="FINISHED")
    assert world.beat(agent, name) == []
    world.store.sweeps.update(sweep.id, state="CANCELED")
    assert world.beat(agent, name) == EXIT
    assert world.run(name).state == "killed"


def test_an_unknown_agent_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.beat(99)
