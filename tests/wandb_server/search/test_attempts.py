"""How much the search does before it settles: each number is seen in what it suggests or asks."""

from typing import Any

import numpy as np
import optuna
import pytest

from src.sweep_language.grammar import parse_sweep
from src.wandb_server.search.searcher import Searcher, Trial
from src.wandb_server.search.space import Point, SearchSpace
from src.wandb_server.states import RunState

WIDE: dict[str, Any] = {"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}}
GRID: dict[str, Any] = {"x": {"min": 0, "max": 19}, "y": {"min": 0, "max": 19}}


def searcher(method: str, parameters: dict[str, Any]) -> Searcher:
    metric = {"name": "loss", "goal": "minimize"}
    return Searcher(
        parse_sweep({"method": method, "metric": metric, "parameters": parameters, "seed": 0})
    )


def finished(x: float, y: float) -> Trial:
    return Trial({"x": x, "y": y}, RunState.FINISHED, float(x + y))


def all_but_one() -> list[Trial]:
    """The best 399 of the grid's 400 points; the model's favourites are among them."""
    return [finished(x, y) for x in range(20) for y in range(20)][:-1]


def test_the_model_is_asked_from_the_tenth_result_on_and_not_before() -> None:
    trials = [finished(i / 10, i / 10) for i in range(10)]
    running = [Trial({"x": 0.5, "y": 0.25}, RunState.RUNNING, None)] * 5

    def drawn_blindly(history: list[Trial]) -> bool:
        suggestion = searcher("random", WIDE).suggest(history)
        return searcher("bayes", WIDE).suggest(history) == suggestion

    assert drawn_blindly(trials[:9] + running)
    assert not drawn_blindly(trials + running)


def test_a_model_that_repeats_itself_is_asked_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    ask = optuna.Study.ask

    def counted(study: optuna.Study, *arguments: Any, **options: Any) -> optuna.Trial:
        nonlocal asked
        asked += 1
        return ask(study, *arguments, **options)

    monkeypatch.setattr(optuna.Study, "ask", counted)
    assert searcher("bayes", GRID).suggest(all_but_one()) == {"x": 19, "y": 19}
    assert asked == 3


@pytest.mark.parametrize("method", ["bayes", "random"])
def test_a_hundred_points_are_drawn_before_any_untried_one_will_do(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = 0
    draw = SearchSpace.draw

    def counted(space: SearchSpace, rng: np.random.Generator) -> Point:
        nonlocal drawn
        drawn += 1
        return draw(space, rng)

    monkeypatch.setattr(SearchSpace, "draw", counted)
    assert searcher(method, GRID).suggest(all_but_one()) == {"x": 19, "y": 19}
    assert drawn == 100
