"""A run has one best value, wherever it is shown and whoever asks."""

import json

import pytest
from starlette.datastructures import QueryParams

from src.sweep_language.metric import Goal
from src.wandb_server.dashboard.histories import MAX_ROWS
from src.wandb_server.dashboard.projects import project_page
from src.wandb_server.dashboard.ranking import sweep_rows
from src.wandb_server.dashboard.runs import run_page
from src.wandb_server.scheduling.sweep_config import sweep_spec
from src.wandb_server.scheduling.trials import sweep_trials
from src.wandb_server.states import RunState
from src.wandb_server.store.sweeps import Sweep
from tests.wandb_server.scheduling.scheduler_world import World


def bests(world: World, sweep: Sweep) -> list[float | None]:
    """The best value on the run's page, in the sweep's table, and as the search knows it."""
    [run] = runs = world.store.runs.of_sweep(sweep.id)
    page = run_page(world.server, world.project, run)["best"]
    [row] = sweep_rows(sweep, runs, world.store.runs.metric_ranges(world.project.id))
    [trial] = sweep_trials(world.store, sweep, sweep_spec(sweep.config), runs)
    return [page and page["value"], row.best, trial.value]


def test_a_best_value_between_the_rows_that_are_drawn_counts(world: World) -> None:
    sweep = world.sweep()
    run = world.run(world.take(world.agent(sweep)))
    values = [0.5] * (2 * MAX_ROWS + 1)
    values[1] = 0.9
    rows = enumerate({"_step": i, "acc": value} for i, value in enumerate(values))
    world.store.runs.put_lines(run.id, "history", [(i, i, json.dumps(row)) for i, row in rows])
    world.store.runs.put_metric_values(run.id, enumerate(values))
    assert bests(world, sweep) == [0.9] * 3


@pytest.mark.parametrize(
    ("metric", "goal", "values", "best"),
    [
        ("val_nll", Goal.MINIMIZE, [0.7, 0.2, 0.5], 0.2),
        ("val_f1", Goal.MAXIMIZE, [0.2, 0.7, 0.5], 0.7),
        ("val_x", None, [0.2, 0.7, 0.5], None),
    ],
)
def test_without_a_sweep_that_says_so_nothing_is_best_unless_its_name_tells(
    world: World, metric: str, goal: Goal | None, values: list[float], best: float | None
) -> None:
    for name, shift in (("first", 0), ("second", 1)):
        world.store.runs.create(world.project.id, name, state=RunState.RUNNING)
        lines = [json.dumps({"_step": i, metric: v + shift}) for i, v in enumerate(values)]
        summary = json.dumps({metric: values[-1] + shift})
        files = {
            "wandb-history.jsonl": {"offset": 0, "content": lines},
            "wandb-summary.json": {"offset": 0, "content": [summary]},
        }
        world.send(name, {"files": files})
    project = project_page(world.server, world.project, QueryParams({"metric": metric}))
    assert project["metrics"] == {metric: goal}
    assert [row.best for row in project["table"].rows] == [values[-1] + 1, values[-1]]
    better = project["best"] and project["best"].run.name
    assert better == {Goal.MINIMIZE: "first", Goal.MAXIMIZE: "second", None: None}[goal]
    shown = run_page(world.server, world.project, world.run("first"))["best"]
    assert (shown and shown["value"]) == best


def test_a_sweep_about_no_metric_does_not_say_which_way_one_is_better(world: World) -> None:
    sweep = world.sweep(metric=None)
    name = world.take(world.agent(sweep))
    world.send(name, {"files": {"wandb-summary.json": {"content": ['{"val_acc": 0.9}']}}})
    line = '{"_step": 0, "val_acc": 0.9}', '{"_step": 1, "val_acc": 0.8}'
    world.send(name, {"files": {"wandb-history.jsonl": {"content": list(line)}}})
    shown = run_page(world.server, world.project, world.run(name))["best"]
    assert shown["value"] == 0.9


@pytest.mark.parametrize(
    ("values", "summary", "best"),
    [
        ([0.2, 0.7, 0.1], {"acc": 0.1, "best_acc": 0.9}, 0.7),
        ([], {"acc": 0.3}, 0.3),
        ([], {"acc": 0.3, "best_acc": 0.4}, 0.4),
        (["NaN"], {"acc": "NaN"}, None),
        ([], {}, None),
    ],
)
def test_history_goes_before_the_summary(
    world: World, values: list[float], summary: dict[str, float], best: float | None
) -> None:
    sweep = world.sweep()
    name = world.take(world.agent(sweep))
    world.speak(name, *values)
    world.store.runs.update(world.run(name).id, summary=summary)
    assert bests(world, sweep) == [best] * 3
