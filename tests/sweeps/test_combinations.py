"""The check of a sweep asks the rules between hyperparameters for every combination."""

import dataclasses
from typing import Any

import pytest

from src.architectures.registry import ARCHITECTURES, Architecture
from src.config import rules
from src.config.run_config import RunConfig
from src.shared.errors import UserError
from src.sweep_language.parameters import parse_parameters
from src.sweeps import combinations


def fault_between(specs: dict[str, Any]) -> str | None:
    """The fault of a sweep with these parameters, as its file has them."""
    parameters = parse_parameters(specs, grid=False)
    fault = combinations.fault_between({name: one for (name,), one in parameters.items()})
    return str(fault) if fault else None


@pytest.mark.parametrize(
    ("specs", "fault"),
    [
        (
            {"dataset": {"value": "imdb"}, "model": {"values": ["mlp", "cnn"]}},
            "--model: a cnn takes",
        ),
        ({"filters": {"values": [[8], [8, 16]]}}, "--filters: it is for model cnn, not mlp"),
        (
            {"model": {"value": "cnn"}, "filters": {"values": [[8], [8] * 5]}},
            "--filters: 28x28 pictures are too small for 5 blocks",
        ),
        (
            {"model": {"value": "cnn"}, "dataset": {"values": ["mnist", "synthetic"]}}
            | {"stride": {"min": 1, "max": 8}},
            "--stride: 8 leaves nothing of 8x8 pictures",
        ),
        (
            {"epochs": {"min": 2, "max": 5}, "warmup_epochs": {"value": 3}},
            "--warmup_epochs: 3 leaves",
        ),
        (
            {"epochs": {"value": 3}}
            | {"warmup_epochs": {"distribution": "log_uniform", "min": 0, "max": 2}},
            "--warmup_epochs: 7.38906 leaves none of 3",
        ),
        (
            {"jit": {"values": ["auto", "on"]}, "strategy": {"value": "mirrored"}},
            "--jit: on is for",
        ),
        (
            {"model": {"value": "rnn"}, "num_layers": {"min": 0, "max": 2}},
            "--num_layers: an rnn has",
        ),
        (
            {"hidden_size": {"values": [64, [64, 32]]}, "num_layers": {"value": 1}},
            "--num_layers: 1, but",
        ),
    ],
)
def test_the_first_combination_that_cannot_be_is_named(
    specs: dict[str, dict[str, Any]], fault: str
) -> None:
    assert str(fault_between(specs)).startswith(fault)


def test_a_sweep_whose_every_run_can_be_has_no_fault() -> None:
    specs: dict[str, dict[str, Any]] = {
        "model": {"values": ["mlp", "rnn"]},
        "dataset": {"values": ["mnist", "imdb"]},
        "hidden_size": {"values": [64, [64, 32]]},
        "epochs": {"min": 4, "max": 5},
        "warmup_epochs": {"min": 0.0, "max": 3.5},
    }
    assert fault_between(specs) is None


def test_a_rule_that_is_new_is_asked_by_runs_and_by_the_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "_RULES", [*rules._RULES])

    @rules.rule()
    def _patience_can_run_out(patience: int, epochs: int) -> str | None:
        return f"{patience} is never out in {epochs} epochs" if patience >= epochs else None

    with pytest.raises(UserError, match=r"^--patience: 10 is never out in 10 epochs$"):
        RunConfig.parse({"patience": 10})
    fault = fault_between({"patience": {"values": [0, 4, 7]}, "epochs": {"values": [5, 8]}})
    assert fault == "--patience: 7 is never out in 5 epochs"
    assert fault_between({"patience": {"value": 9}}) is None
    # What a model brings along counts, whether the rule names the model or not.
    brief = Architecture("brief", None, takes=("pictures",), defaults={"epochs": 3})
    with ARCHITECTURES.with_entry(brief):
        specs = {"model": {"values": ["mlp", "brief"]}, "patience": {"value": 5}}
        assert fault_between(specs) == "--patience: 5 is never out in 3 epochs"
        assert fault_between(specs | {"epochs": {"value": 8}}) is None
    with ARCHITECTURES.with_entry(dataclasses.replace(brief, defaults={"patience": 10})):
        assert fault_between({"model": {"value": "brief"}}) == (
            "--patience: 10 is never out in 10 epochs"
        )
