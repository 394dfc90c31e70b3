"""How runs are stopped early, found crashed and fed with lines; the test moves the clock."""

import json
import math
from typing import Any

import pytest

from src.wandb_server.api.ids import encode_id
from src.wandb_server.errors import RequestError
from src.wandb_server.scheduling.endings import stop_run
from src.wandb_server.scheduling.liveness import UNATTENDED_CRASH_AFTER, Liveness
from src.wandb_server.scheduling.running_clock import RunningClock
from tests.wandb_server.scheduling.scheduler_world import CRASH_AFTER, World


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


def test_an_agent_that_tells_of_an_epoch_is_told_at_once_to_stop_its_run(world: World) -> None:
    agent, name = _worse_than_others(world)
    told = {name: {"position": 1, "values": {"acc": 0.2, "loss": 1}}, "unknown": {}}
    stop = [{"type": "stop", "run_id": name}]
    assert world.tell(agent, name, told) == stop
    assert world.run(name).early_stop == {"bracket": 2, "value": 0.2, "threshold": 0.8}
    world.speak(name, 0.2)  # the upload comes later, and brings the same value
    run = world.run(name)
    assert world.store.runs.metric_histories(run.sweep_id or 0)[run.id] == [0.1, 0.2]
    world.finish(name)
    assert world.tell(agent, name, {name: {"position": 2, "values": {"acc": 1}}}) == []
    assert world.store.runs.metric_histories(run.sweep_id or 0)[run.id] == [0.1, 0.2]


def test_an_epoch_whose_predecessor_was_lost_is_judged_with_the_upload(world: World) -> None:
    agent, name = _worse_than_others(world)
    assert world.tell(agent, name, {name: {"position": 2, "values": {"acc": 0.1}}}) == []
    assert world.run(name).early_stop is None, "it was not its second point"
    world.speak(name, 0.95, 0.1)
    assert world.run(name).early_stop is None


@pytest.mark.parametrize(
    "epoch",
    [{}, {"position": -1}, {"position": "x"}, {"position": 2**60}, {"position": 1, "values": 3}],
)
def test_an_epoch_that_is_none_is_refused(world: World, epoch: dict[str, Any]) -> None:
    agent, name = _worse_than_others(world)
    with pytest.raises(RequestError):
        world.tell(agent, name, {name: epoch})


def test_the_reason_of_a_stop_outlives_later_summaries(world: World) -> None:
    _, name = _worse_than_others(world)
    world.speak(name, 0.2)
    summary = {"wandb-summary.json": {"offset": 0, "content": ['{"acc": 0.2}']}}
    world.speak(name, files=summary)
    assert world.run(name).full_summary["early_termination"]["bracket"] == 2
    assert world.run(name).full_summary["acc"] == 0.2


def test_the_first_reason_of_a_stop_stays_and_a_stop_by_a_user_gets_none(world: World) -> None:
    _, name = _worse_than_others(world)
    world.speak(name, 0.2)
    world.speak(name, 0.3, 0.01)
    assert world.run(name).early_stop == {"bracket": 2, "value": 0.2, "threshold": 0.8}
    _, name = _worse_than_others(world)
    stop_run(world.store, world.run(name))
    world.speak(name, 0.05)
    assert world.run(name).early_stop is None


def test_a_stopped_run_that_dies_untidily_is_not_tried_again(world: World) -> None:
    agent, name = _worse_than_others(world)
    world.speak(name, 0.2)
    world.beat(agent)
    world.wait(11)
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
    world.wait(CRASH_AFTER - 1)
    world.beat(agent, name)
    world.wait(2)
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "running", "its agent has spoken"
    world.wait(CRASH_AFTER)
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "crashed"


def test_a_crashed_run_that_speaks_again_runs_again(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    agent = world.agent(sweep)
    name = world.take(agent)
    world.wait(CRASH_AFTER + 1)
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "crashed"
    world.speak(name, 1)
    assert world.run(name).state == "running"
    assert world.beat(world.agent(sweep)) == [], "nothing is waiting to be tried again"


def test_a_run_without_an_agent_may_be_silent_for_longer(world: World) -> None:
    run = world.store.runs.create(world.project.id, "alone", state="running")
    world.liveness.run_spoke(run.id)
    world.wait(31)
    world.scheduler.crash_silent_runs()
    assert world.run("alone").state == "running"
    world.wait(269)
    world.scheduler.crash_silent_runs()
    assert world.run("alone").state == "running"
    world.wait(1)
    world.scheduler.crash_silent_runs()
    assert world.run("alone").state == "crashed"


def test_a_restart_of_the_server_marks_nothing_as_crashed(world: World) -> None:
    name = world.take(world.agent(world.sweep()))
    world.freeze(10_000)
    world.open()
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "pending"
    world.wait(60 + CRASH_AFTER - 1)  # the client pauses for a minute at most
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "pending"
    world.wait(2)
    world.scheduler.crash_silent_runs()
    assert world.run(name).state == "crashed"


def test_by_default_half_a_minute_of_silence_is_a_crash() -> None:
    time = 0.0
    liveness = Liveness(RunningClock(math.inf, lambda: time))
    liveness.run_spoke(1)
    liveness.agent_spoke(2)
    time = 30.0
    assert not liveness.is_dead(1, agent_id=2)
    time = 31.0
    assert liveness.is_dead(1, agent_id=2)


def test_a_user_stop_reaches_a_run_directly_only_without_an_agent(world: World) -> None:
    agent = world.agent(world.sweep())
    name = world.take(agent)
    world.store.runs.update(world.run(name).id, should_stop=1)
    assert world.speak(name, 1)["stopped"] is False
    world.wait(CRASH_AFTER + 1)
    assert world.speak(name, 1)["stopped"] is True, "its agent is gone"
    world.store.runs.create(world.project.id, "alone", state="running", should_stop=1)
    assert world.speak("alone", 1)["stopped"] is True


def test_a_run_without_an_agent_hears_of_its_verdict_with_the_value_that_it_is_for(
    world: World,
) -> None:
    sweep = world.sweep(early_terminate={"type": "hyperband", "min_iter": 1, "eta": 3})
    for name in ("good", "bad"):
        world.mutate("upsertBucket", name=name, modelName="p", sweep=sweep.name)
    assert world.speak("good", 0.9)["stopped"] is False
    assert world.speak("bad", 0.1)["stopped"] is True


def test_a_run_that_has_ended_by_itself_is_not_told_to_stop(world: World) -> None:
    world.mutate("upsertBucket", name="r", modelName="p")
    stop_run(world.store, world.run("r"))
    assert world.speak("r", 0.5, complete=True, exitcode=0)["stopped"] is False
    assert not world.run("r").stopped_early


def test_a_run_that_somebody_has_made_pending_waits_and_is_not_silent(world: World) -> None:
    world.mutate("upsertBucket", name="r", modelName="p")
    world.finish("r", exitcode=1)
    world.mutate("updateRunState", id=encode_id("Run", world.run("r").id), state="pending")
    world.wait(UNATTENDED_CRASH_AFTER + 1)
    world.scheduler.crash_silent_runs()
    assert world.run("r").state == "pending"
    world.mutate("upsertBucket", name="r", modelName="p")
    world.wait(UNATTENDED_CRASH_AFTER + 1)
    world.scheduler.crash_silent_runs()
    assert world.run("r").state == "crashed"


def test_lines_sent_again_change_nothing_and_a_fresh_start_replaces_them(world: World) -> None:
    name = world.take(world.agent(world.sweep()))
    run = world.run(name)

    def send(offset: int, *values: float) -> None:
        lines = [json.dumps({"_step": offset + i, "acc": v}) for i, v in enumerate(values)]
        body = {"files": {"wandb-history.jsonl": {"offset": offset, "content": lines}}}
        world.send(name, body)

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
        world.send(name, body)
    assert world.store.runs.lines(world.run(name).id, "log") == []
    assert world.run(name).state == "pending"
