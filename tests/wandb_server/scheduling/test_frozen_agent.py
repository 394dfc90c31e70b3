"""A run that was taken for dead goes on as the same run, and its second attempt is withdrawn."""

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest

from src.wandb_server.dashboard import words
from src.wandb_server.dashboard.ranking import state_counts
from src.wandb_server.scheduling.endings import stop_run
from src.wandb_server.scheduling.retries import used_of_cap
from src.wandb_server.store.sweeps import Sweep
from tests.processes import signal_tree
from tests.wandb_server.scheduling.scheduler_world import CRASH_AFTER, EXIT, World
from tests.wandb_server.scheduling.slow_agent import slow_agent, slow_sweep
from tests.wandb_server.scheduling.test_trials import trials
from tests.wandb_server.server_harness import Client, ServerProcess, wait_for


class Frozen:
    """A sweep of a grid with one configuration, whose agent stands still for too long."""

    def __init__(self, world: World, *, begun: bool = True) -> None:
        self.world = world
        self.sweep: Sweep = world.sweep(method="grid", run_cap=1, parameters={"x": {"values": [1]}})
        self.agent, self.other = world.agent(self.sweep), world.agent(self.sweep)
        self.first = world.take(self.agent)
        world.beat(self.agent, self.first)
        if begun:
            world.speak(self.first, 0.5)
        self.pause()

    def pause(self) -> None:
        self.world.wait(CRASH_AFTER + 1)
        self.world.scheduler.crash_silent_runs()
        assert self.world.run(self.first).state == "crashed"

    def second_try(self) -> str:
        name = self.world.take(self.other)
        assert self.world.run(name).retry_of == self.world.run(self.first).id
        return name

    def thaw(self, heard: str) -> list[dict[str, Any]]:
        if heard == "run":
            self.world.speak(self.first, 0.6)
            return []
        return self.world.beat(self.agent, self.first)

    def used(self) -> int:
        return used_of_cap(self.world.store.runs.of_sweep(self.sweep.id))


HEARD = pytest.mark.parametrize("heard", ["run", "agent"])


@HEARD
def test_it_goes_on_and_nobody_tries_it_again(world: World, heard: str) -> None:
    frozen = Frozen(world)
    assert frozen.thaw(heard) == []
    run = world.run(frozen.first)
    assert (run.state, run.should_stop, run.withdrawn) == ("running", False, False)
    assert world.beat(frozen.other) == [], "it waits, as the run might crash"
    world.finish(frozen.first)
    assert world.run(frozen.first).state == "finished"
    assert world.beat(frozen.other) == EXIT


@HEARD
def test_a_second_try_that_has_not_begun_is_not_started(world: World, heard: str) -> None:
    frozen = Frozen(world)
    second = frozen.second_try()
    frozen.thaw(heard)
    assert world.beat(frozen.other) == [], "it is not offered again, though its agent lacks it"
    assert world.run(second).state == "killed"
    assert world.run(frozen.first).state == "running"


@HEARD
def test_a_second_try_that_is_under_way_is_stopped_and_counts_for_nothing(
    world: World, heard: str
) -> None:
    frozen = Frozen(world)
    second = frozen.second_try()
    world.beat(frozen.other, second)
    world.speak(second, 0.4)
    frozen.thaw(heard)
    assert world.beat(frozen.other, second) == [{"type": "stop", "run_id": second}]
    world.finish(second)
    withdrawn = world.run(second)
    assert withdrawn.state == "killed", "it is no result, however tidily it ends"
    assert words.state(withdrawn) == "withdrawn"
    assert words.ended(withdrawn, None) == (
        "Withdrawn, and not counted: another run has its configuration"
    )
    assert withdrawn.full_summary["withdrawn"] is True
    assert frozen.used() == 1
    assert [trial.value for trial in trials(world, frozen.sweep)] == [
        0.6 if heard == "run" else 0.5
    ]
    assert world.beat(frozen.other) == [], "a grid has no hole to fill, nor a run to repeat"
    world.finish(frozen.first)
    assert world.state(frozen.sweep) == "FINISHED"
    runs = world.store.runs.of_sweep(frozen.sweep.id)
    assert state_counts(runs) == {
        "runs": 1,
        "withdrawn": 1,
        "active": 0,
        "stopped": 0,
        "by_hyperband": 0,
        "wrong": 0,
    }


@HEARD
def test_a_second_try_that_is_done_stays_and_the_first_is_withdrawn(
    world: World, heard: str
) -> None:
    frozen = Frozen(world)
    second = frozen.second_try()
    world.beat(frozen.other, second)
    world.speak(second, 0.7)
    world.finish(second)
    frozen.thaw(heard)
    stop = [{"type": "stop", "run_id": frozen.first}]
    assert world.beat(frozen.agent, frozen.first) == stop
    world.finish(frozen.first)
    assert world.run(frozen.first).withdrawn
    assert world.run(second).state == "finished"
    assert frozen.used() == 1
    assert [trial.value for trial in trials(world, frozen.sweep)] == [0.7]


@pytest.mark.parametrize("exitcode", [1, 255])
@HEARD
def test_a_second_try_that_went_wrong_counts_for_nothing(
    world: World, heard: str, exitcode: int
) -> None:
    frozen = Frozen(world)
    world.finish(frozen.second_try(), exitcode)
    frozen.thaw(heard)
    assert world.run(frozen.first).state == "running"
    assert frozen.used() == 1
    over = EXIT if exitcode == 1 else []  # a failure is a result, an interruption is none
    assert world.beat(frozen.other) == over
    assert len(trials(world, frozen.sweep)) == 1


def test_an_agent_that_comes_back_to_a_run_that_it_had_not_begun_begins_it(world: World) -> None:
    frozen = Frozen(world, begun=False)
    assert frozen.thaw("agent") == []
    assert world.run(frozen.first).state == "pending", "the client is to hear that it is new"
    world.mutate("upsertBucket", name=frozen.first, modelName="p", sweep=frozen.sweep.name)
    assert world.run(frozen.first).state == "running"
    assert world.beat(frozen.other) == []


def test_a_run_that_comes_back_only_to_fail_leaves_its_second_try_alone(world: World) -> None:
    frozen = Frozen(world)
    second = frozen.second_try()
    world.finish(frozen.first, exitcode=1)
    assert not world.run(second).withdrawn
    world.beat(frozen.other, second)
    world.finish(second)
    assert world.run(second).state == "finished"
    assert frozen.used() == 1


def test_a_run_that_comes_back_with_its_end_is_done(world: World) -> None:
    frozen = Frozen(world)
    second = frozen.second_try()
    world.finish(frozen.first)
    assert world.run(frozen.first).state == "finished"
    assert world.run(second).withdrawn


def test_a_run_that_comes_back_and_crashes_indeed_is_tried_again(world: World) -> None:
    frozen = Frozen(world)
    second = frozen.second_try()
    world.beat(frozen.other, second)
    frozen.thaw("run")
    world.finish(second)
    frozen.pause()
    third = frozen.second_try()
    assert third != second
    world.finish(third)
    assert frozen.used() == 1


def test_a_frozen_run_that_was_to_stop_is_told_so_when_it_comes_back(world: World) -> None:
    agent = world.agent(world.sweep())
    name = world.take(agent)
    world.beat(agent, name)
    world.speak(name, 0.5)
    stop_run(world.store, world.run(name))
    world.wait(CRASH_AFTER + 1)
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "killed"
    assert world.beat(agent, name) == [{"type": "stop", "run_id": name}]


def test_a_run_that_is_begun_again_by_hand_goes_on_though_another_is_done(world: World) -> None:
    frozen = Frozen(world)
    second = frozen.second_try()
    world.finish(second)
    world.mutate("upsertBucket", name=frozen.first, modelName="p", sweep=frozen.sweep.name)
    assert not world.run(frozen.first).should_stop
    assert frozen.used() == 1


def test_a_withdrawn_run_is_no_rival_at_a_bracket(world: World) -> None:
    frozen = Frozen(world)
    second = frozen.second_try()
    world.speak(second, 0.9)
    frozen.thaw("run")
    assert list(world.store.runs.metric_histories(frozen.sweep.id).values()) == [[0.5, 0.6]]


@pytest.mark.slow
def test_a_stopped_agent_comes_back_to_its_run(
    start_server: Callable[..., ServerProcess], tmp_path: Any
) -> None:
    server = start_server("--crash_after", "3")
    client = Client(server, tmp_path / "client")
    sweep = slow_sweep(client, 60)
    runs = "SELECT name, state, withdrawn FROM runs ORDER BY id"
    history = "SELECT text FROM lines WHERE run_id = ? AND stream = 'history' ORDER BY position"
    try:
        agent = slow_agent(client, sweep)
        wait_for(lambda: len(server.rows(history, 1)) > 3, "it logs")
        signal_tree(agent.pid, signal.SIGSTOP)
        wait_for(lambda: server.rows(runs)[0]["state"] == "crashed", "it is taken for dead")
        other = slow_agent(client, sweep)
        wait_for(lambda: server.rows(history, 2), "another agent tries its configuration again")
        signal_tree(agent.pid, signal.SIGCONT)
        outputs = [process.communicate(timeout=120)[0] for process in (agent, other)]
        first, second = server.rows(runs)
        assert (first["state"], first["withdrawn"]) == ("finished", 0), outputs
        assert (second["state"], second["withdrawn"]) == ("killed", 1), outputs
        assert len(server.rows(history, 2)) < 60, "it was told to stop"
        logged = [json.loads(row["text"])["acc"] for row in server.rows(history, 1)]
        assert logged == [epoch / 1000 for epoch in range(60)]
        assert server.rows("SELECT state FROM sweeps") == [{"state": "FINISHED"}]
    finally:
        client.end()
