"""Runs that are added to a sweep become trials of its search."""

import json
from typing import Any

import pytest

from src.wandb_server.scheduling.prior_runs import adopt
from src.wandb_server.scheduling.sweep_config import sweep_spec
from src.wandb_server.scheduling.trials import sweep_trials
from src.wandb_server.states import RunState
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep
from tests.wandb_server.scheduling.scheduler_world import World

NESTED = {
    "x": {"min": 0.0, "max": 1.0},
    "model": {
        "parameters": {
            "size": {"values": [1, 2]},
            "head": {"parameters": {"kind": {"value": "dense"}, "units": {"values": [8, 16]}}},
        }
    },
}
MODEL = {"size": 2, "head": {"units": 8, "kind": "global"}}


def prior(world: World, config: dict[str, Any], *values: Any) -> Run:
    """A finished run of no sweep, with a value of ``acc`` in each row that is not None."""
    name = f"prior{len(config)}{len(values)}"
    run = world.store.runs.create(
        world.project.id,
        name,
        state=RunState.FINISHED,
        config={key: {"value": value} for key, value in config.items()},
    )
    rows = [{"_step": i} | ({} if v is None else {"acc": v}) for i, v in enumerate(values)]
    lines = [(i, i, json.dumps(row)) for i, row in enumerate(rows)]
    world.store.runs.put_lines(run.id, "history", lines)
    return run


def adopted(world: World, sweep: Sweep, run: Run) -> dict[str, Any] | None:
    """What the run's parameters in the sweep are, None if it was left out."""
    adopt(world.store, sweep, sweep_spec(sweep.config), [run])
    found = world.run(run.name)
    assert found.sweep_id in (None, sweep.id)
    return found.params if found.sweep_id else None


def test_a_run_with_every_parameter_becomes_a_trial_with_its_best_value(world: World) -> None:
    sweep = world.sweep(parameters=NESTED)
    run = prior(world, {"x": 0.5, "model": MODEL, "other": 1}, 0.25, None, 0.75, 0.5)
    params = adopted(world, sweep, run)
    assert params == {"x": 0.5, "model": MODEL}
    [trial] = sweep_trials(
        world.store, sweep, sweep_spec(sweep.config), world.store.runs.of_sweep(sweep.id)
    )
    assert (trial.params, trial.state, trial.value) == (params, RunState.FINISHED, 0.75)
    assert world.store.runs.metric_histories(sweep.id) == {run.id: [0.25, 0.75, 0.5]}


def test_a_constant_that_a_run_lacks_is_taken_from_the_sweep(world: World) -> None:
    run = prior(world, {"x": 0.5, "model": {"size": 2, "head": {"units": 8}}})
    assert adopted(world, world.sweep(parameters=NESTED), run) == {
        "x": 0.5,
        "model": {"size": 2, "head": {"units": 8, "kind": "dense"}},
    }


@pytest.mark.parametrize(
    "config",
    [
        {"model": MODEL},
        {"x": 0.5},
        {"x": 0.5, "model": 3},
        {"x": 0.5, "model": {"size": 2}},
        {"x": 0.5, "model": {"size": 2, "head": 1}},
        {"x": 0.5, "model": {"head": MODEL["head"]}},
    ],
)
def test_a_run_that_lacks_a_value_is_left_out(world: World, config: dict[str, Any]) -> None:
    assert adopted(world, world.sweep(parameters=NESTED), prior(world, config)) is None


def test_a_run_of_another_sweep_stays_there(world: World) -> None:
    first, second = world.sweep(), world.sweep()
    run = prior(world, {"x": 0.5})
    assert adopted(world, first, run) == {"x": 0.5}
    adopt(world.store, second, sweep_spec(second.config), [world.run(run.name)])
    assert world.run(run.name).sweep_id == first.id


def test_prior_runs_do_not_count_towards_the_cap(world: World) -> None:
    sweep = world.sweep(run_cap=1)
    adopted(world, sweep, prior(world, {"x": 0.5}, 0.5))
    assert world.run(world.take(world.agent(sweep))).params != {"x": 0.5}


def test_agents_do_not_go_on_with_a_prior_run_that_was_preempted(world: World) -> None:
    sweep, run = world.sweep(), prior(world, {"x": 0.5})
    world.store.runs.update(run.id, state=RunState.PREEMPTED)
    assert adopted(world, sweep, run)
    assert world.take(world.agent(sweep)) != run.name


def test_a_sweep_without_a_metric_adopts_runs_too(world: World) -> None:
    sweep = world.sweep(metric=None)
    run = prior(world, {"x": 0.5}, 0.5)
    assert adopted(world, sweep, run) == {"x": 0.5}
    assert world.store.runs.metric_histories(sweep.id) == {}


def test_a_fork_that_is_going_on_adds_to_what_it_has_inherited(world: World) -> None:
    parent = prior(world, {"x": 0.5}, 0.1, 0.2, 0.3)
    fork = world.store.runs.create(world.project.id, "fork", state=RunState.RUNNING)
    world.store.branches.fork(fork, parent, 1)
    world.speak("fork", 0.4)
    sweep = world.sweep()
    adopted(world, sweep, world.run("fork"))
    world.speak("fork", 0.5)
    assert world.store.runs.metric_histories(sweep.id) == {fork.id: [0.1, 0.2, 0.4, 0.5]}
