"""A run has one best value, wherever it is shown and whoever asks."""

import json

import pytest

from src.wandb_server.dashboard.histories import MAX_ROWS
from src.wandb_server.dashboard.ranking import sweep_rows
from src.wandb_server.dashboard.runs import run_page
from src.wandb_server.scheduling.sweep_config import sweep_spec
from src.wandb_server.scheduling.trials import sweep_trials
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
