"""What agents are told, decided on a real store, with a clock that the test moves."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from src.wandb_server import file_stream
from src.wandb_server.errors import NotFoundError, RequestError
from src.wandb_server.liveness import UNATTENDED_CRASH_AFTER, Liveness
from src.wandb_server.scheduler import EXIT, MAX_OFFERS, REPORT_GRACE, Scheduler
from src.wandb_server.store import Store
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep

CRASH_AFTER = 30.0


class World:
    """A store with one sweep, and its scheduler."""

    def __init__(self, folder: Path) -> None:
        self.time = 0.0
        self.folder = folder
        self.open()
        self.project = self.store.projects.ensure("local", "p")

    def open(self) -> None:
        """As a server does when it starts: only the store is still there."""
        self.store = Store(self.folder / "server.db")
        self.liveness = Liveness(CRASH_AFTER, clock=lambda: self.time)
        self.scheduler = Scheduler(self.store, self.liveness)

    def sweep(self, **changes: Any) -> Sweep:
        config = {
            "program": "train.py",
            "method": "random",
            "metric": {"name": "acc", "goal": "maximize"},
            "parameters": {"x": {"min": 0.0, "max": 1.0}},
        } | changes
        return self.store.sweeps.create(self.project.id, yaml.safe_dump(config))

    def agent(self, sweep: Sweep) -> int:
        agent = self.store.sweeps.add_agent(sweep.id, "host")
        self.liveness.agent_spoke(agent.id)
        return agent.id

    def beat(self, agent: int, *reported: str) -> list[dict[str, Any]]:
        return self.scheduler.heartbeat(agent, set(reported))

    def take(self, agent: int) -> str:
        """The name of the run that the agent is told to start."""
        (command,) = self.beat(agent)
        assert command["type"] == "run", command
        return str(command["run_id"])

    def run(self, name: str) -> Run:
        run = self.store.runs.find(self.project.id, name)
        assert run is not None
        return run

    def speak(self, name: str, *values: Any, **body: Any) -> dict[str, Any]:
        """A file_stream request of the run, with values of its metric."""
        run = self.run(name)
        offset = self.store.runs.line_count(run.id, "history")
        lines = [json.dumps({"_step": offset + i, "acc": v}) for i, v in enumerate(values)]
        files = {"wandb-history.jsonl": {"offset": offset, "content": lines}} if lines else {}
        return file_stream.receive(
            self.store, self.scheduler, self.liveness, run, {"files": files} | body
        )

    def finish(self, name: str, exitcode: int = 0) -> None:
        self.speak(name, complete=True, exitcode=exitcode)

    def state(self, sweep: Sweep) -> str:
        found = self.store.sweeps.get(sweep.id)
        assert found is not None
        return found.state


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


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
        world.time += REPORT_GRACE
        started += [c["run_id"] for c in world.beat(agent) if c["type"] == "run"]
    assert len(started) == 2 * MAX_OFFERS
    assert len(set(started)) == 2, "the configuration was tried again once"
    assert world.beat(agent) == EXIT
    assert world.state(sweep) == "FINISHED"


def test_a_run_that_its_agent_no_longer_has_is_crashed_after_a_grace(world: World) -> None:
    agent = world.agent(world.sweep())
    name = world.take(agent)
    world.speak(name, 0.5)
    world.beat(agent, name)
    assert world.beat(agent) == []
    world.time += REPORT_GRACE - 1
    assert world.beat(agent) == []
    world.time += 2
    (command,) = world.beat(agent)
    assert world.run(name).state == "crashed"
    assert world.run(command["run_id"]).retry_of == world.run(name).id


def test_a_crashed_configuration_is_tried_again_once(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    agent = world.agent(sweep)
    first = world.take(agent)
    world.scheduler.end(world.run(first), "crashed")
    second = world.take(agent)
    assert world.run(second).params == world.run(first).params
    world.scheduler.end(world.run(second), "crashed")
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
    world.scheduler.end(world.run(name), "crashed")
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
    world.scheduler.end(seen, "crashed")
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


def _worse_than_others(world: World) -> tuple[int, str]:
    sweep = world.sweep(early_terminate={"type": "hyperband", "min_iter": 2, "eta": 2})
    for value in (0.8, 0.9):
        other = world.take(world.agent(sweep))
        world.speak(other, value, value, value)
    agent = world.agent(sweep)
    name = world.take(agent)
    world.beat(agent, name)
    world.speak(name, 0.1)
    assert world.beat(agent, name) == []
    return agent, name


def test_a_bad_run_is_stopped_by_its_agent_at_every_heartbeat_until_it_ends(world: World) -> None:
    agent, name = _worse_than_others(world)
    reply = world.speak(name, 0.2)
    assert reply["stopped"] is False, "the client would interrupt its main thread besides"
    assert world.run(name).early_stop == {"bracket": 2, "value": 0.2, "threshold": 0.8}
    stop = [{"type": "stop", "run_id": name}]
    assert world.beat(agent, name) == stop
    assert world.beat(agent, name) == stop
    world.finish(name)
    assert world.beat(agent, name) == []
    assert world.run(name).state == "finished"


def test_the_reason_of_a_stop_outlives_later_summaries(world: World) -> None:
    _, name = _worse_than_others(world)
    world.speak(name, 0.2)
    summary = {"wandb-summary.json": {"offset": 0, "content": ['{"acc": 0.2}']}}
    world.speak(name, files=summary)
    assert world.run(name).full_summary["early_termination"]["bracket"] == 2
    assert world.run(name).full_summary["acc"] == 0.2


def test_a_stopped_run_that_dies_untidily_is_not_tried_again(world: World) -> None:
    agent, name = _worse_than_others(world)
    world.speak(name, 0.2)
    world.beat(agent)
    world.time += REPORT_GRACE + 1
    new = world.take(agent)
    assert world.run(name).state == "killed"
    assert world.run(new).retry_of is None


def test_values_that_are_not_numbers_are_the_worst_ones(world: World) -> None:
    agent, name = _worse_than_others(world)
    world.speak(name, "NaN")
    stopped = world.run(name).early_stop
    assert stopped is not None
    assert stopped["value"] == 0.1
    assert world.beat(agent, name)[0]["type"] == "stop"


def test_silence_of_run_and_agent_together_is_a_crash(world: World) -> None:
    agent = world.agent(world.sweep())
    name = world.take(agent)
    world.speak(name, 1)
    world.time += CRASH_AFTER - 1
    world.beat(agent, name)
    world.time += 2
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "running", "its agent has spoken"
    world.time += CRASH_AFTER
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "crashed"


def test_a_crashed_run_that_speaks_again_runs_again(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    agent = world.agent(sweep)
    name = world.take(agent)
    world.time += CRASH_AFTER + 1
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "crashed"
    world.speak(name, 1)
    assert world.run(name).state == "running"
    assert world.beat(world.agent(sweep)) == [], "nothing is waiting to be tried again"


def test_a_run_without_an_agent_may_be_silent_for_longer(world: World) -> None:
    run = world.store.runs.create(world.project.id, "alone", state="running")
    world.liveness.run_spoke(run.id)
    world.time += UNATTENDED_CRASH_AFTER
    world.scheduler.crash_silent_runs()
    assert world.run("alone").state == "running"
    world.time += 1
    world.scheduler.crash_silent_runs()
    assert world.run("alone").state == "crashed"


def test_a_restart_of_the_server_marks_nothing_as_crashed(world: World) -> None:
    name = world.take(world.agent(world.sweep()))
    world.time += 10_000
    world.open()
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "pending"
    world.time += CRASH_AFTER + 1
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "crashed"


def test_a_user_stop_reaches_a_run_directly_only_without_an_agent(world: World) -> None:
    agent = world.agent(world.sweep())
    name = world.take(agent)
    world.store.runs.update(world.run(name).id, should_stop=1)
    assert world.speak(name, 1)["stopped"] is False
    world.time += CRASH_AFTER + 1
    assert world.speak(name, 1)["stopped"] is True, "its agent is gone"
    world.store.runs.create(world.project.id, "alone", state="running", should_stop=1)
    assert world.speak("alone", 1)["stopped"] is True


def test_lines_sent_again_change_nothing_and_a_fresh_start_replaces_them(world: World) -> None:
    name = world.take(world.agent(world.sweep()))
    run = world.run(name)

    def send(offset: int, *values: float) -> None:
        lines = [json.dumps({"_step": offset + i, "acc": v}) for i, v in enumerate(values)]
        body = {"files": {"wandb-history.jsonl": {"offset": offset, "content": lines}}}
        file_stream.receive(world.store, world.scheduler, world.liveness, run, body)

    def values() -> list[float]:
        return [json.loads(line)["acc"] for line in world.store.runs.lines(run.id, "history")]

    send(0, 1, 2)
    send(0, 1, 2)
    send(1, 2, 3)
    assert values() == [1, 2, 3]
    assert world.store.runs.metric_histories(run.sweep_id or 0)[run.id] == [1, 2, 3]
    send(0, 7)
    assert values() == [7]
    assert world.store.runs.metric_histories(run.sweep_id or 0)[run.id] == [7]


def test_a_refused_request_leaves_nothing_behind(world: World) -> None:
    name = world.take(world.agent(world.sweep()))
    body = {
        "files": {
            "output.log": {"offset": 0, "content": ["line"]},
            "wandb-history.jsonl": {"offset": 0, "content": ["not JSON"]},
        }
    }
    with pytest.raises(RequestError):
        file_stream.receive(world.store, world.scheduler, world.liveness, world.run(name), body)
    assert world.store.runs.lines(world.run(name).id, "log") == []
    assert world.run(name).state == "pending"


def test_an_unknown_agent_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.beat(99)
