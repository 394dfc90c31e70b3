"""Time in which the server itself stood still counts against nobody."""

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from src.wandb_server.scheduling.benching import agent_state
from src.wandb_server.scheduling.running_clock import CLIENT_BACKOFF, RunningClock
from tests.processes import signal_tree
from tests.wandb_server.scheduling.scheduler_world import CRASH_AFTER, TICK, World
from tests.wandb_server.scheduling.slow_agent import slow_agent, slow_sweep
from tests.wandb_server.server_harness import Client, ServerProcess, wait_for

# Ctrl-Z for a moment, a disk that stalls, a frozen container, a suspended laptop.
GAPS = (2 * TICK, 5.0, CRASH_AFTER + 15, 12 * 3600.0)


def _running(world: World) -> tuple[int, str]:
    agent = world.agent(world.sweep(run_cap=1))
    name = world.take(agent)
    world.beat(agent, name)
    world.speak(name, 0.5)
    return agent, name


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("silent_before", [0.0, CRASH_AFTER - 5])
def test_a_run_is_alive_until_its_client_has_had_time_to_try_again(
    world: World, gap: float, silent_before: float
) -> None:
    agent, name = _running(world)
    world.wait(silent_before)
    world.freeze(gap)
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "running"
    world.wait(min(gap, CLIENT_BACKOFF))  # the pauses of a client grow as long as that
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "running"
    world.beat(agent, name)
    world.wait(CRASH_AFTER - 1)
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "running"


@pytest.mark.parametrize("gap", GAPS)
def test_a_run_that_is_dead_is_found_so_after_the_usual_time_and_that_of_its_client(
    world: World, gap: float
) -> None:
    _, name = _running(world)
    world.freeze(gap)
    world.scheduler.crash_silent_runs()
    world.wait(CRASH_AFTER + min(gap, CLIENT_BACKOFF) + TICK)
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "crashed"


def test_what_is_heard_before_the_first_tick_after_a_gap_is_no_longer_believed(
    world: World,
) -> None:
    _, name = _running(world)
    world.freeze(12 * 3600)
    world.speak(name, 0.6)
    world.wait(CRASH_AFTER + CLIENT_BACKOFF + 5 * TICK)
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "crashed", "half a day of freezing is not half a day of trust"


def test_a_server_that_gets_on_by_fits_and_starts_crashes_nothing(world: World) -> None:
    agent, name = _running(world)
    for _ in range(20):
        world.freeze(20)
        world.scheduler.crash_silent_runs()
        world.wait(2)
        assert world.run(name).state == "running"
    found = world.store.sweeps.agent(agent)
    assert found is not None
    assert agent_state(found, world.liveness) == "RUNNING"


def test_a_run_that_its_agent_lacks_has_its_grace_in_time_that_the_server_runs(
    world: World,
) -> None:
    agent, name = _running(world)
    assert world.beat(agent) == []
    world.freeze(3600)
    assert world.beat(agent) == [], "its last upload may be waiting at the door"
    world.speak(name, complete=True, exitcode=0)
    assert world.run(name).state == "finished"


def test_the_clock_counts_late_ticks_but_no_gaps() -> None:
    now = 0.0
    clock = RunningClock(1.0, lambda: now)
    began = clock()
    for at in (1.0, 2.0, 4.5, 5.0):
        now = at
        clock.tick()
    assert clock() - began == 5.0
    now = 25.0
    assert clock() - began == 8.0, "it stands still once a tick is late"
    clock.tick()
    assert clock() - began == 5.0 - 20.0
    now = 26.0
    assert clock() - began == 6.0 - 20.0


@pytest.mark.slow
def test_a_live_run_outlives_a_stopped_server(
    start_server: Callable[..., ServerProcess], tmp_path: Any
) -> None:
    server = start_server("--crash_after", "4")
    client = Client(server, tmp_path / "client")
    sweep = slow_sweep(client, 40)
    try:
        agent = slow_agent(client, sweep)
        history = "SELECT 1 FROM lines WHERE stream = 'history'"
        wait_for(lambda: len(server.rows(history)) > 3, "it logs")
        slow_agent(client, sweep)  # it would try the run again
        wait_for(lambda: len(server.rows("SELECT 1 FROM agents")) == 2, "another agent is idle")
        assert server.process is not None
        # As when a container is frozen: all stand still, and the server is the first to get on.
        signal_tree(agent.pid, signal.SIGSTOP)
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(8)  # twice as long as a run may be silent
        server.process.send_signal(signal.SIGCONT)
        time.sleep(1.5)
        signal_tree(agent.pid, signal.SIGCONT)
        wait_for(lambda: server.rows("SELECT 1 FROM runs WHERE state = 'finished'"), "it ends")
        assert len(server.rows("SELECT id FROM runs")) == 1, "its configuration was run once"
        assert len(server.rows(history)) == 40, "nothing was lost"
    finally:
        client.end()
