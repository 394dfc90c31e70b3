"""What the search is told of a sweep's runs."""

import pytest

from src.wandb_server.scheduling.endings import end_run, stop_run
from src.wandb_server.scheduling.sweep_config import sweep_spec
from src.wandb_server.scheduling.trials import sweep_best, sweep_trials
from src.wandb_server.search.searcher import Trial
from src.wandb_server.states import RunState
from src.wandb_server.store.sweeps import Sweep
from tests.wandb_server.scheduling.scheduler_world import World


def trials(world: World, sweep: Sweep) -> list[Trial]:
    runs = world.store.runs.of_sweep(sweep.id)
    return sweep_trials(world.store, sweep, sweep_spec(sweep.config), runs)


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (RunState.FINISHED, RunState.FINISHED),
        (RunState.FAILED, RunState.FAILED),
        (RunState.CRASHED, RunState.FAILED),
        (RunState.KILLED, RunState.FAILED),
    ],
)
def test_a_run_that_ended_by_itself_is_a_result_and_any_other_end_is_none(
    world: World, end: RunState, told: RunState
) -> None:
    sweep = world.sweep()
    name = world.take(world.agent(sweep))
    world.speak(name, 0.5, 0.75, 0.25)
    assert trials(world, sweep)[0].state is RunState.RUNNING
    end_run(world.store, world.run(name), end)
    assert trials(world, sweep) == [Trial(world.run(name).params or {}, told, 0.75)]


def test_a_run_that_was_told_to_stop_is_a_result(world: World) -> None:
    sweep = world.sweep()
    name = world.take(world.agent(sweep))
    world.speak(name, 0.5)
    stop_run(world.store, world.run(name))
    end_run(world.store, world.run(name), RunState.CRASHED)
    assert trials(world, sweep)[0].state is RunState.FINISHED


def test_a_metric_in_the_summary_alone_counts_and_history_goes_before_it(world: World) -> None:
    sweep = world.sweep()
    for values, summary in (((), 0.9), ((0.2, 0.3), 0.8)):
        name = world.take(world.agent(sweep))
        world.speak(name, *values)
        world.store.runs.update(world.run(name).id, summary={"acc": summary})
    assert [trial.value for trial in trials(world, sweep)] == [0.9, 0.3]
    assert sweep_best(world.store, sweep) == 0.9


def test_the_best_of_a_metric_to_minimize_is_the_smallest(world: World) -> None:
    sweep = world.sweep(metric={"name": "acc", "goal": "minimize"})
    world.speak(world.take(world.agent(sweep)), 0.4, 0.1, 0.2)
    assert sweep_best(world.store, sweep) == 0.1
