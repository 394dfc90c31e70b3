"""A sweep file's definition: what is searched, how many runs, what the embedded server is told."""

from pathlib import Path

import yaml

from src.shared.paths import SWEEP_CONFIG
from src.sweeps.definition import SweepDefinition, load_definition
from tests.sweeps.sweep_files import GOOD, load


def test_a_good_file_comes_through_unchanged(tmp_path: Path) -> None:
    definition = load(tmp_path, GOOD)
    assert definition.config == yaml.safe_load(GOOD)
    assert (definition.metric, definition.maximize) == ("val_accuracy", True)
    assert definition.datasets == ["synthetic"]
    assert definition.varied == ["optimizer", "learning_rate"]


def test_the_main_sweep_covers_the_specified_space() -> None:
    parameters = load_definition(SWEEP_CONFIG).config["parameters"]
    space = {name: spec.get("values", [spec.get("value")]) for name, spec in parameters.items()}
    assert space == {
        "dataset": ["fashion_mnist"],
        "epochs": [5, 8],
        "num_layers": [3],
        "hidden_size": [64, 128],
        "weight_decay": [0, 0.0005],
        "learning_rate": [1e-3, 1e-4],
        "optimizer": ["sgd", "momentum", "rmsprop", "adam", "nadam"],
        "batch_size": [32, 64],
        "activation": ["relu", "tanh"],
    }


def test_planned_sets_the_number_of_runs(tmp_path: Path) -> None:
    definition = load(tmp_path, GOOD)
    assert definition.planned(None, 20).total_runs == 20
    assert definition.planned(5, 20).config["run_cap"] == 5


def test_the_embedded_server_is_told_which_choices_read_what(tmp_path: Path) -> None:
    """Runs of sgd that differ in momentum alone are the same run."""
    momentum = "  momentum: {values: [0.5, 0.9]}\n  weight_decay: {values: [0, 0.1]}\n"
    config = load(tmp_path, GOOD + momentum).for_embedded_server(seed=3).config
    assert config["seed"] == 3
    assert config["conditions"] == {"momentum": {"optimizer": ["momentum", "nag"]}}
    schedule = "  lr_schedule: {values: [cosine, step]}\n  lr_step_epochs: {values: [2, 4]}\n"
    config = load(tmp_path, GOOD + schedule + momentum).for_embedded_server(seed=3).config
    assert config["conditions"] == {
        "momentum": {"optimizer": ["momentum", "nag"]},
        "lr_step_epochs": {"lr_schedule": ["step"]},
    }
    plain = load(tmp_path, GOOD)
    assert plain.for_embedded_server(seed=None).config == plain.config


def test_a_grid_runs_whole_unless_a_count_is_given(tmp_path: Path) -> None:
    text = GOOD.split("  learning_rate:")[0].replace("bayes", "grid")
    text += "  hidden_size:\n    values: [8, 16, 32]\n"
    definition = load(tmp_path, text)
    assert definition.planned(None, 20).total_runs == 6
    assert definition.planned(4, 20).total_runs == 4


def test_a_grid_that_others_have_made_is_counted_whatever_else_it_says() -> None:
    parameters = {"hidden_size": {"values": [8, 16, 32]}}
    made = {"method": "grid", "metric": {"name": "a"}, "parameters": parameters, "resources": {}}
    assert SweepDefinition(made).total_runs == 3


def test_a_grid_counts_what_is_not_read_once(tmp_path: Path) -> None:
    text = GOOD.split("  optimizer:")[0].replace("bayes", "grid")
    text += "  optimizer: {values: [sgd, momentum]}\n  momentum: {values: [0.5, 0.9]}\n"
    definition = load(tmp_path, text)
    assert definition.for_embedded_server(seed=None).total_runs == 3
    assert definition.total_runs == 4, "W&B's server runs each of them"


def test_a_grid_counts_the_values_of_a_range(tmp_path: Path) -> None:
    text = GOOD.split("  learning_rate:")[0].replace("bayes", "grid")
    text += "  epochs: {min: 3, max: 7}\n"
    text += "  dropout: {distribution: q_uniform, min: 0, max: 0.3, q: 0.1}\n"
    assert load(tmp_path, text).planned(None, 20).total_runs == 2 * 5 * 4
