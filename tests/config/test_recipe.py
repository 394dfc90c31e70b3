"""A recipe is a run; one that cannot be is refused with its line before anything starts."""

from pathlib import Path

import pytest

from src.config import recipe
from src.config.command_line import parse_command
from src.config.run_config import RunConfig
from src.shared.errors import UserError

GOOD = """\
# The best of a sweep.
model: mlp
dataset: mnist
hidden_size: [64, 32]
learning_rate: 0.01
batch_norm: true
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return path


def test_a_recipe_is_a_run_and_flags_override_it(file: Path) -> None:
    config = parse_command(["--config", str(file)]).config
    expected = {"hidden_size": (64, 32), "learning_rate": 0.01, "batch_norm": True}
    assert config == RunConfig.parse(expected | {"dataset": "mnist"})
    flags = ["--learning_rate=0.5", "--hidden_size", "16", "--num_layers=1", "--batch_norm=False"]
    changed = parse_command([*flags, "--config", str(file), "--epochs", "3"]).config
    expected = {"hidden_size": 16, "num_layers": 1, "learning_rate": 0.5, "epochs": 3}
    assert changed == RunConfig.parse(expected | {"dataset": "mnist"})


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("learning_rate:", "learnig_rate:", 5, "did you mean learning_rate?"),
        ("0.01", "-1", 5, "learning_rate: -1 is not allowed; it takes a number > 0"),
        ("0.01", "1e-3", 5, "YAML reads 1e-3 as text"),
        ("0.01", "true", 5, "learning_rate: True is not a number"),
        ("0.01", "", 5, "learning_rate: None is not allowed"),
        ("[64, 32]", "[64, 0]", 4, "hidden_size: [64, 0] is not allowed"),
        ("mnist", "mnits", 3, "dataset: 'mnits' is not allowed; it takes one of fashion_mnist"),
        ("mnist", "imdb\nflip: true", 4, "flip: it is for pictures, and imdb has reviews"),
        ("dataset:", "filters: [8]\ndataset:", 3, "filters: it is for model cnn, not mlp"),
        ("dataset:", "model: cnn\ndataset:", 3, "model is given twice in a recipe"),
        ("model: mlp\n", "model: cnn\nstride: 8\n", 3, "filters: 28x28 pictures are too small"),
        ("model: mlp", "model: [", 4, "not YAML: "),
        (GOOD, "- model: mlp", 1, "a recipe is a mapping with hyperparameters"),
    ],
)
def test_a_fault_is_told_with_its_line(
    file: Path, old: str, new: str, line: int, message: str
) -> None:
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(UserError) as raised:
        parse_command(["--config", str(file)])
    assert str(raised.value).startswith(f"{file}:{line}: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_flag_that_does_not_go_with_the_recipe_is_named_as_a_flag(file: Path) -> None:
    with pytest.raises(UserError, match=r"^--width: it is for model resnet, not mlp"):
        parse_command(["--config", str(file), "--width", "8"])
    file.write_text("model: cnn\n")
    with pytest.raises(UserError, match=r"^--filters: 28x28 pictures are too small"):
        parse_command(["--config", str(file), "--stride", "8"])
    file.write_text(GOOD)
    with pytest.raises(UserError, match=r"good.yaml:6: batch_norm: .*a resnet always has it"):
        parse_command(["--config", str(file), "--model", "resnet"])


def test_a_recipe_that_is_not_there_says_which_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "config" / "recipes"
    folder.mkdir(parents=True)
    monkeypatch.setattr(recipe, "ROOT", tmp_path)
    monkeypatch.setattr(recipe, "RECIPES", folder)
    with pytest.raises(UserError, match=r"no recipe nowhere.yaml; .*recipes has none"):
        parse_command(["--config", "nowhere.yaml"])
    for name in ("b", "a"):
        (folder / f"{name}.yaml").write_text(GOOD)
    with pytest.raises(UserError, match=r"there are config/recipes/a.yaml, config/recipes/b.yaml"):
        parse_command(["--config", "nowhere.yaml"])
    with pytest.raises(UserError, match=r"cannot read the recipe .*Is a directory"):
        parse_command(["--config", str(folder)])
