"""Sweep files: what cannot work is refused before anything starts, naming the line."""

from pathlib import Path

import pytest

from src.config.run_config import RunConfig
from src.shared.errors import UserError
from src.shared.paths import ROOT, SWEEP_CONFIG
from src.sweep_language.parameters import parse_parameters
from src.sweeps.definition import load_definition
from tests.sweeps.sweep_files import GOOD, load


@pytest.mark.parametrize(
    "file", [SWEEP_CONFIG, *sorted((ROOT / "config" / "sweeps").glob("*.yaml"))]
)
def test_every_shipped_sweep_file_is_accepted_without_a_doubt(file: Path) -> None:
    assert load_definition(file).warnings == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (
            "method: bayes",
            "methd: bayes",
            2,
            "the sweep: unknown key 'methd'; did you mean",
        ),
        ("method: bayes", "method: bayesian", 2, "method: 'bayesian' is not possible; give bayes"),
        ("program: src/train.py", "program: other.py", 1, "program: must be src/train.py"),
        (
            "  name: val_accuracy",
            "  name: val_acc",
            4,
            "metric.name: 'val_acc' is not what src/tr",
        ),
        ("  goal: maximize", "  goal: max", 5, "metric.goal: 'max' is not possible; give min"),
        (
            "  min_iter: 2",
            "  min_iter: 0",
            8,
            "early_terminate.min_iter: 0 is not a whole number",
        ),
        (
            "  min_iter: 2",
            "  eta: 2",
            6,
            "early_terminate: says not when; give min_iter",
        ),
        (
            "  optimizer:",
            "  optimiser:",
            12,
            "optimiser: src/train.py has no such hyperparameter",
        ),
        ("[sgd, adam]", "[sgd, adm]", 13, "optimizer: 'adm' is not allowed; it takes one of sgd"),
        (
            "values: [sgd, adam]",
            "values: []",
            13,
            "optimizer.values: [] is not a list; give at",
        ),
        (
            "values: [sgd, adam]",
            "vals: [sgd]",
            13,
            "optimizer: unknown key 'vals'; did you mean",
        ),
        ("    min: 0.0001", "    min: 0.5", 16, "learning_rate.min: 0.5 is not below max 0.1"),
        ("    min: 0.0001", "    min: 1e-4", 16, "YAML reads 1e-3 as text"),
        ("    min: 0.0001", "    min: -1", 16, "learning_rate.min: -1 is not above 0"),
        ("    max: 0.1\n", "", 14, "learning_rate.max: missing"),
        (
            "log_uniform_values",
            "log_unifrm",
            15,
            "learning_rate.distribution: 'log_unifrm' is un",
        ),
        ("log_uniform_values", "log_uniform\n    q: 1", 16, "learning_rate: unknown key 'q'"),
        ("value: synthetic", "value: imagenet", 11, "dataset: 'imagenet' is not allowed"),
        (
            "method: bayes",
            "method: grid",
            14,
            "learning_rate: log_uniform_values cannot be",
        ),
        ("method: bayes", "method: bayes\nmethod: grid", 3, "method is given twice"),
        ("metric:\n", "metric: [\n", 5, "not YAML"),
        ("program: src/train.py", "program: [src/train.py]", 1, "program: must be src/train.py"),
        (
            "  goal: maximize",
            "  goal: minimize",
            5,
            "metric.goal: minimize looks for the worst",
        ),
        ("  goal: maximize\n", "", 3, "metric.goal: minimize looks for the worst val_accuracy"),
        ("method: bayes", "method: bayes\nname: 2001-13-01", 1, "not a value that can be read"),
        ("method: bayes", "method: bayes\nname: \x00", 1, "not YAML that can be read"),
        ("method: bayes", f"method: {'[' * 3000}", 1, "not YAML that can be read"),
        ("method: bayes", "method: bayes\nname: &n [*n]", 1, "cannot be sent to a server"),
        ("  optimizer:", "  no_wandb:", 12, "no_wandb: cannot be swept"),
        (
            "  optimizer:\n    values: [sgd, adam]",
            "  epochs:\n    value: yes",
            13,
            "epochs: True is",
        ),
        ("values: [sgd, adam]", "{distribution: normal}", 12, "optimizer: is not a number"),
        (
            "distribution: log_uniform_values\n    min: 0.0001\n    max: 0.1",
            "distribution: normal\n    mu: -1.0\n    sigma: 0.1",
            16,
            "learning_rate: -1.0 is not allowed",
        ),
        (
            "distribution: log_uniform_values\n    min: 0.0001\n    max: 0.1",
            "distribution: log_uniform\n    min: -5\n    max: 1000",
            17,
            "learning_rate.max: too large; it is an exponent",
        ),
        # exp(-5) is above 0, exp(-(-3)) is not below 1: the greatest value is that of min.
        (
            "learning_rate:\n    distribution: log_uniform_values\n    min: 0.0001\n    max: 0.1",
            "dropout:\n    distribution: inv_log_uniform\n    min: -3\n    max: 5",
            16,
            "dropout: 20.08",
        ),
        (
            "    values: [sgd, adam]",
            "    parameters:\n      momentum: {value: 0.9}",
            12,
            "optimizer: src/train.py has no nested parameters",
        ),
        ("values: [sgd, adam]", "values: [sgd]\n    values: [adam]", 14, "values is given twice"),
        ("values: [sgd, adam]", "values:\n    - sgd\n    - adm", 15, "optimizer: 'adm' is not all"),
    ],
)
def test_a_fault_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in GOOD
    with pytest.raises(UserError) as raised:
        load(tmp_path, GOOD.replace(old, new, 1))
    text = str(raised.value)
    assert "\n" not in text
    assert text.startswith(f"{tmp_path / 'sweep.yaml'}:{line}: "), text
    assert message in text


def test_the_metric_is_needed_whatever_the_method_as_the_best_run_is_told_by_it(
    tmp_path: Path,
) -> None:
    with pytest.raises(UserError, match=r"sweep\.yaml:1: metric: missing; give it a name"):
        load(tmp_path, "method: random\nparameters: {epochs: {values: [1, 2]}}\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("min_iter: 2", "min_iter: 2\n  eta: 1.5"),
        ("min_iter: 2", "min_iter: 2\n  max_iter: 9\n  s: 2"),
        ("goal: maximize", "goal: maximize\n  impute: worst"),
        ("optimizer:", "epochs: {distribution: q_uniform, min: 2, max: 9}\n  optimizer:"),
        ("optimizer:", "val_fraction: {distribution: beta}\n  optimizer:"),
        ("optimizer:", "clip_norm: {distribution: log_normal}\n  optimizer:"),
    ],
)
def test_what_wandb_documents_is_accepted(tmp_path: Path, old: str, new: str) -> None:
    assert old in GOOD
    load(tmp_path, GOOD.replace(old, new, 1))


def test_what_a_merge_key_brings_is_checked_where_it_is_written(tmp_path: Path) -> None:
    text = GOOD + "  momentum: &half\n    values: [0.5,\n      {}]\n  beta_1:\n    <<: *half\n"
    merged = load(tmp_path, text.format("0.9")).config["parameters"]["beta_1"]
    assert merged == {"values": [0.5, 0.9]}
    with pytest.raises(UserError, match=r"sweep\.yaml:20: momentum: 1.5 is not allowed"):
        load(tmp_path, text.format("1.5"))


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="a sweep file is a mapping"):
        load(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the sweep file"):
        load_definition(tmp_path / "none.yaml")


def test_exponents_are_checked_as_the_values_they_stand_for(tmp_path: Path) -> None:
    text = GOOD.replace("log_uniform_values", "log_uniform")
    good = text.replace("min: 0.0001", "min: -9").replace("max: 0.1", "max: -2")
    assert load(tmp_path, good).config["parameters"]["learning_rate"]["min"] == -9


def test_a_whole_number_refuses_a_continuous_range(tmp_path: Path) -> None:
    text = GOOD + "  hidden_size:\n    min: 16.5\n    max: 64.5\n"
    with pytest.raises(UserError, match="18: hidden_size: is a whole number; use int_uniform"):
        load(tmp_path, text)
    text = GOOD + "  hidden_size: {distribution: q_uniform, min: 1, max: 10, q: 0.5}\n"
    with pytest.raises(UserError, match=r"18: hidden_size\.q: 0.5 is not a whole number"):
        load(tmp_path, text)
    text = GOOD + "  hidden_size: {min: 1, max: 10.0}\n"
    with pytest.raises(UserError, match="18: hidden_size: is a whole number; use int_uniform"):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("entry", "ends"),
    [
        ("q_uniform, min: 1.5, max: 10", (2, 10)),
        ("q_log_uniform, min: 2.77, max: 5.55, q: 8", (16, 256)),
        ("q_log_uniform_values, min: 15.5, max: 260, q: 8", (16, 256)),
    ],
)
def test_a_whole_number_takes_the_multiples_of_one_whatever_the_ends_are(
    tmp_path: Path, entry: str, ends: tuple[int, int]
) -> None:
    text = GOOD + f"  batch_size: {{distribution: {entry}}}\n"
    parameter = parse_parameters(load(tmp_path, text).config["parameters"], grid=False)
    values = parameter[("batch_size",)].representatives()
    assert tuple(RunConfig.parse({"batch_size": value}).batch_size for value in values) == ends


@pytest.mark.parametrize(
    ("entry", "value"),
    [("q_uniform, min: -0.5, max: 10", "0"), ("q_log_uniform, min: 3, max: 20, q: 8", "485165192")],
)
def test_a_multiple_that_a_run_would_refuse_is_refused(
    tmp_path: Path, entry: str, value: str
) -> None:
    text = GOOD + f"  batch_size: {{distribution: {entry}}}\n"
    with pytest.raises(UserError, match=f"18: batch_size: {value} is not allowed"):
        load(tmp_path, text)
