"""RunConfig: immutable, complete, and the same object from flags, sweeps and checkpoints."""

import pytest
from pydantic import ValidationError

from src.config.run_config import RunConfig
from src.shared.errors import UserError


def test_json_round_trip_keeps_every_field() -> None:
    config = RunConfig(optimizer="nadam", learning_rate=3e-4, run_name="x", seed=7)
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_is_immutable() -> None:
    config = RunConfig()
    with pytest.raises(ValidationError):
        config.epochs = 2  # type: ignore[misc]


def test_unknown_key_is_refused() -> None:
    with pytest.raises(UserError, match="unknown hyperparameter 'epoch'"):
        RunConfig.parse({"epoch": 3})


def test_each_optimizer_gets_only_what_it_reads() -> None:
    assert RunConfig(optimizer="sgd").optimizer_hyperparameters() == {}
    assert RunConfig(optimizer="nag", momentum=0.5).optimizer_hyperparameters() == {"momentum": 0.5}
    assert RunConfig(optimizer="adamw", weight_decay=0.1).optimizer_hyperparameters() == {
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "weight_decay": 0.1,
    }
