"""Runs that a person queues in a sweep, and sweeps that end when a run is good enough."""

import pytest

from src.wandb_server.dashboard import words
from src.wandb_server.scheduling.endings import stop_run
from src.wandb_server.scheduling.liveness import UNATTENDED_CRASH_AFTER
from tests.wandb_server.scheduling.scheduler_world import EXIT, World


def test_no_run_is_started_after_the_target_and_those_under_way_may_end(world: World) -> None:
    sweep = world.sweep(metric={"name": "acc", "goal": "maximize", "target": 0.9})
    one, two = world.agent(sweep), world.agent(sweep)
    good, other = world.take(one), world.take(two)
    world.speak(good, 0.5, 0.95, 0.7)
    assert world.beat(two, other) == [], "it is not stopped"
    world.finish(good)
    assert world.state(sweep) == "FINISHED"
    assert world.beat(one) == EXIT
    assert world.beat(two, other) == []
    world.finish(other)
    assert world.beat(two) == EXIT


def test_a_target_to_minimize_counts_downwards_and_below_it_the_sweep_goes_on(world: World) -> None:
    sweep = world.sweep(metric={"name": "acc", "goal": "minimize", "target": 0.1})
    agent = world.agent(sweep)
    for value, state in ((0.5, "RUNNING"), (0.1, "FINISHED")):
        run = world.take(agent)
        world.speak(run, value)
        world.finish(run)
        assert world.state(sweep) == state


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
@pytest.mark.parametrize(("distance", "state"), [(-1, "RUNNING"), (0, "FINISHED"), (1, "FINISHED")])
def test_the_target_and_what_is_beyond_end_a_sweep(
    world: World, goal: str, distance: int, state: str
) -> None:
    target = 0.5
    sweep = world.sweep(metric={"name": "acc", "goal": goal, "target": target})
    run = world.take(world.agent(sweep))
    world.speak(run, target + distance * (0.25 if goal == "maximize" else -0.25))
    world.finish(run)
    assert world.state(sweep) == state


def test_a_queued_run_waits_for_a_free_agent_and_comes_before_suggestions(world: World) -> None:
    sweep = world.sweep(run_cap=2)
    queued = world.scheduler.enqueue(sweep, {"x": 0.125}, "by hand")
    world.wait(301)
    world.scheduler.crash_silent_runs()
    assert world.run(queued.name).state == "pending", "waiting is not silence"
    agent = world.agent(sweep)
    (command,) = world.beat(agent)
    assert (command["run_id"], command["args"]) == (queued.name, {"x": {"value": 0.125}})
    assert world.beat(agent, queued.name) == []
    world.finish(queued.name)
    suggested = world.take(agent)
    world.finish(suggested)
    assert world.state(sweep) == "FINISHED", "both counted"


def test_queued_runs_are_taken_in_their_order(world: World) -> None:
    sweep = world.sweep()
    queued = [world.scheduler.enqueue(sweep, {"x": x}, None).name for x in (0.9, 0.1, 0.5)]
    assert [world.take(world.agent(sweep)) for _ in queued] == queued


def test_a_sweep_that_is_edited_is_searched_by_its_new_text(world: World) -> None:
    sweep = world.sweep(method="grid", parameters={"x": {"values": [1, 2]}})
    assert world.run(world.take(world.agent(sweep))).params == {"x": 1}
    edited = sweep.config.replace("- 1", "- 5").replace("- 2", "- 6")
    world.store.sweeps.update(sweep.id, config=edited)
    assert world.run(world.take(world.agent(sweep))).params == {"x": 5}


def test_a_sweep_is_not_over_while_a_run_is_queued(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    agent = world.agent(sweep)
    first = world.take(agent)
    queued = world.scheduler.enqueue(sweep, {"x": 0.5}, None)
    world.finish(first)
    assert world.state(sweep) == "RUNNING"
    assert world.take(agent) == queued.name
    world.finish(queued.name)
    assert world.state(sweep) == "FINISHED"


def test_stopping_a_queued_run_ends_it_and_it_is_not_tried_again(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    queued = world.scheduler.enqueue(sweep, {"x": 0.5}, None)
    stop_run(world.store, queued)
    assert world.run(queued.name).state == "killed"
    assert world.take(world.agent(sweep)) != queued.name


def test_what_is_queued_is_over_when_somebody_stops_the_sweep_and_is_tried_if_it_goes_on(
    world: World,
) -> None:
    sweep = world.sweep()
    agent, queued = world.agent(sweep), world.scheduler.enqueue(sweep, {"x": 0.5}, None)
    for state, stands in (("PAUSED", "pending"), ("FINISHED", "killed")):
        world.mutate("upsertSweep", id=sweep.name, projectName="p", state=state)
        assert world.run(queued.name).state == stands
    ended = words.ended(world.run(queued.name), None)
    assert ended == "Ended before an agent was free for it"
    assert world.beat(agent) == EXIT
    world.mutate("upsertSweep", id=sweep.name, projectName="p", state="RUNNING")
    assert world.run(world.take(world.agent(sweep))).params == {"x": 0.5}


def test_a_sweep_with_an_engine_waits_for_its_runs_and_starts_no_more_than_its_cap(
    world: World,
) -> None:
    sweep = world.sweep(method="custom", scheduler={"engine": "optuna"}, run_cap=2)
    agent = world.agent(sweep)
    assert world.beat(agent) == [], "the server suggests nothing"
    for name in (sweep.log_run_name, sweep.log_run_name.replace(sweep.name, "other")):
        world.mutate("upsertBucket", name=name, modelName="p")
    queued = [
        world.mutate("enqueueSweepRun", "id", id=sweep.name, projectName="p", config=config)["id"]
        for config in ('{"x": 0.1}', '{"x": {"value": 0.2}}', '{"x": 0.3}')
    ]
    for name, x in zip(queued, (0.1, 0.2), strict=False):
        assert world.take(agent) == name
        assert world.run(name).params == {"x": x}
        world.finish(name)
    assert world.state(sweep) == "FINISHED"
    assert world.run(queued[2]).state == "killed", "nobody would start it"
    assert world.beat(agent) == EXIT
    world.wait(UNATTENDED_CRASH_AFTER + 1)
    world.scheduler.crash_silent_runs()
    assert world.run(sweep.log_run_name).state == "finished", "it is only a log"
    assert world.run("other-scheduler").state == "crashed"


def test_agents_at_once_start_no_more_of_an_engines_runs_than_the_cap(world: World) -> None:
    sweep = world.sweep(method="custom", scheduler={"engine": "optuna"}, run_cap=1)
    one, two = world.agent(sweep), world.agent(sweep)
    first, second = (world.scheduler.enqueue(sweep, {"x": x}, None).name for x in (0.1, 0.2))
    assert world.take(one) == first
    assert world.beat(two) == [], "it is the one run that the sweep may have"
    world.finish(first, exitcode=255)
    assert world.state(sweep) == "FINISHED", "it counts, as nobody tries it again"
    assert world.run(second).state == "killed"
    assert world.beat(one) == EXIT
    assert world.beat(two) == EXIT
