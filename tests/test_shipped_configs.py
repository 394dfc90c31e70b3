"""Every shipped sweep file and recipe trains: one real step on random examples of its shape."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.config.recipe import Recipe
from src.config.run_config import RunConfig
from src.datasets.catalogue import CATALOGUE
from src.datasets.spec import InputSpec, Split, TrainingData
from src.shared.paths import RECIPES, ROOT, SWEEP_CONFIG
from src.sweeps.definition import load_definition
from src.training.execution import build_network
from src.training.loop import fit

SWEEPS = [SWEEP_CONFIG, *sorted((ROOT / "config" / "sweeps").glob("*.yaml"))]
_EXAMPLES = 4


def choices_of(spec: dict[str, Any]) -> list[Any]:
    """What a parameter may be: all its values, or the ends of its range."""
    if "value" in spec:
        return [spec["value"]]
    return list(spec["values"]) if "values" in spec else [spec["min"], spec["max"]]


def runs_of(file: Path) -> list[dict[str, Any]]:
    """Runs of a sweep in which every value occurs at least once; the first has all first ones."""
    parameters = load_definition(file).config["parameters"]
    choices = {name: choices_of(spec) for name, spec in parameters.items()}
    count = max(map(len, choices.values()))
    return [
        {name: values[min(k, len(values) - 1)] for name, values in choices.items()}
        for k in range(count)
    ]


def random_data(name: str, spec: InputSpec) -> TrainingData:
    rng = np.random.default_rng(0)

    def split() -> Split:
        top = spec.vocabulary_size or 256
        x = rng.integers(1, top, (_EXAMPLES, *spec.shape)).astype(spec.dtype)
        if spec.kind == "reviews":
            x[0, spec.shape[0] // 2 :] = 0  # a short one
        return Split(x, rng.integers(0, spec.num_classes, _EXAMPLES).astype(np.int32))

    return TrainingData(name, spec, train=split(), validation=split())


def take_a_step(config: RunConfig, folder: Path) -> None:
    data = random_data(config.dataset, CATALOGUE.find(config.dataset).spec_for(config))
    network = build_network(config, data.spec, len(data.train))
    before = [variable.numpy() for variable in network.variables]

    result = fit(network, data, checkpoint=folder / "best_model_x", on_epoch=lambda metrics: None)

    assert result.epochs_run == 1  # and all that it logs is finite: else it would have raised
    after = [variable.numpy() for variable in network.variables]
    assert any((new != old).any() for new, old in zip(after, before, strict=True))


def one_epoch(values: dict[str, Any]) -> RunConfig:
    return RunConfig.parse(values | {"epochs": 1, "no_wandb": True})


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(RECIPES.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_recipe_takes_a_step(file: Path, tmp_path: Path) -> None:
    recipe = Recipe(file).config({})
    assert file.stem.startswith(recipe.dataset)
    take_a_step(Recipe(file).config({"epochs": 1, "no_wandb": True}), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_the_first_run_of_a_sweep_takes_a_step(file: Path, tmp_path: Path) -> None:
    take_a_step(one_epoch(runs_of(file)[0]), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_a_step_can_be_taken_with_every_value_of_a_sweep(file: Path, tmp_path: Path) -> None:
    for values in runs_of(file)[1:]:
        take_a_step(one_epoch(values), tmp_path)


def test_there_is_a_sweep_for_each_family_and_data_set_that_fit() -> None:
    files = {file.stem for file in SWEEPS}
    for dataset in ("fashion_mnist", "mnist", "cifar10"):
        assert files >= {f"{dataset}_{model}" for model in ("mlp", "cnn", "rnn", "resnet")}
    assert files >= {"imdb_mlp", "imdb_rnn"}
    for file in SWEEPS[1:]:
        first = runs_of(file)[0]
        assert file.stem == f"{first['dataset']}_{first.get('model', 'mlp')}"
