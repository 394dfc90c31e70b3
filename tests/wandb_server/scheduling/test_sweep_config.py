"""The text of a sweep, as the scheduler reads it."""

from typing import Any

import pytest
import yaml

from src.wandb_server.errors import RequestError
from src.wandb_server.scheduling.sweep_config import UNREADABLE, stored_spec, sweep_spec
from tests.wandb_server.scheduling.scheduler_world import World

SWEEP = "program: train.py\nmethod: random\nparameters: {x: {values: [1, 2]}}\n"


def test_a_text_of_up_to_a_mebibyte_is_read() -> None:
    padding = "#" * (2**20 - len(SWEEP))
    assert sweep_spec(SWEEP + padding) == sweep_spec(SWEEP)
    with pytest.raises(RequestError, match="the sweep configuration is too large"):
        sweep_spec(SWEEP + padding + "#")


def test_aliases_cannot_make_a_small_text_a_huge_sweep() -> None:
    layers = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for n in range(1, 9):
        layers += f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n"
    with pytest.raises(RequestError, match="'config' is too large"):
        sweep_spec(layers + SWEEP)


def test_a_grid_of_many_values_is_read() -> None:
    sweep = yaml.safe_dump({"method": "grid", "parameters": {"x": {"values": list(range(50_000))}}})
    assert sweep_spec(sweep).parameters[("x",)].size == 50_000


def test_the_program_may_be_missing() -> None:
    assert sweep_spec(SWEEP).program == "train.py"
    assert sweep_spec(SWEEP.removeprefix("program: train.py\n")).program is None


@pytest.mark.parametrize("value", ["2026-01-01", "!!set {a}", f"0x{'f' * 5000}"])
def test_values_that_no_agent_could_be_sent_are_refused(value: str) -> None:
    with pytest.raises(RequestError, match="'config' cannot be sent to an agent: "):
        sweep_spec(f"method: random\nparameters: {{x: {{values: [1, {value}]}}}}\n")


def test_a_number_that_is_too_long_to_be_shown_is_refused() -> None:
    with pytest.raises(RequestError, match="'config' cannot be sent to an agent: "):
        sweep_spec(f"method: random\nparameters: {{x: {{min: 0, max: 0x{'f' * 5000}}}}}\n")


def test_a_text_that_cannot_be_read_is_tried_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page of a project asks for it with each of the sweep's runs."""
    sweep = world.store.sweeps.create(world.project.id, "{parameters: [once")
    load, tried = yaml.safe_load, []

    def counted(text: str) -> Any:
        tried.append(text)
        return load(text)

    monkeypatch.setattr(yaml, "safe_load", counted)
    assert [stored_spec(sweep) for _ in range(3)] == [UNREADABLE] * 3
    assert tried == [sweep.config]
