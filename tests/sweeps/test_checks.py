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
def test_every_shipped_sweep_file_is_accepted(file: Path) -> None:
    load_definition(file)


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


SPACE = """\
method: random
metric: {name: val_accuracy, goal: maximize}
parameters:
"""


@pytest.mark.parametrize(
    ("parameters", "line", "message"),
    [
        # The default model is an mlp, the default data set Fashion-MNIST.
        (["filters: {values: [[32], [32, 64]]}"], 4, "filters: it is for model cnn, not mlp"),
        (["sequence_length: {value: 9}"], 4, "sequence_length: it is for reviews, and fashion_mn"),
        (
            ["model: {values: [mlp, resnet]}", "dropout: {min: 0.0, max: 0.5}"],
            5,
            "dropout: it is for model mlp or cnn or rnn, not resnet",
        ),
        (
            ["model: {value: rnn}", "dataset: {values: [imdb, mnist]}", "flip: {value: true}"],
            6,
            "flip: it is for pictures, and imdb has reviews",
        ),
        (["dataset: {value: imdb}", "model: {value: cnn}"], 5, "model: a cnn takes pictures, imdb"),
        (
            ["model: {value: cnn}", "hidden_size: {value: 64}", "head: {values: [dense, global]}"],
            5,
            "hidden_size: it is for head dense",
        ),
        (
            ["model: {value: rnn}", "num_layers: {min: 0, max: 2}"],
            5,
            "num_layers: an rnn has at least 1",
        ),
        (
            ["hidden_size: {values: [64, [64, 32]]}", "num_layers: {min: 2, max: 3}"],
            5,
            "num_layers: 3, but hidden_size lists 2",
        ),
        (["hidden_size: {values: [64, [64, 0]]}"], 4, "hidden_size: [64, 0] is not allowed; it ta"),
        (
            ["hidden_size: {values: [64, [true, 64]]}"],
            4,
            "hidden_size: [True, 64] is not a number or a list such as [64, 32]",
        ),
        (
            ["hidden_size: {values: ['64,32']}"],
            4,
            "hidden_size: '64,32' is not a number or a list such as [64, 32]",
        ),
        (
            [
                "model: {value: cnn}",
                "filters: {values: [8, [8, 8, 8, 8, 8]]}",
                "stride: {value: 1}",
            ],
            5,
            "filters: 28x28 pictures are too small for 5 blocks of stride 1; use at most 4",
        ),
        (
            ["model: {value: cnn}", "dataset: {value: synthetic}", "stride: {min: 1, max: 8}"],
            6,
            "stride: 8 leaves nothing of 8x8 pictures to halve",
        ),
        # The filters that are too many are the default ones; that is why they are not in the file.
        (
            ["model: {value: cnn}", "stride: {values: [1, 8]}"],
            5,
            "filters: 28x28 pictures are too small for 2 blocks of stride 8; use at most 1",
        ),
        (["filters: {values: [[]]}", "model: {value: cnn}"], 4, "filters: [] is not allowed"),
        (
            ["warmup_epochs: {min: 0.0, max: 5.0}", "epochs: {values: [5, 10]}"],
            4,
            "warmup_epochs: 5 leaves none of 5 epochs",
        ),
        (["epochs: {min: 2, max: 9}", "warmup_epochs: {value: 2}"], 5, "warmup_epochs: 2 leaves"),
        (
            ["strategy: {values: [single, mirrored]}", "jit: {values: ['on', auto]}"],
            5,
            "jit: on is for strategy single",
        ),
        (["jit: {values: [on, off]}"], 4, "jit: YAML reads on and off as True and False; quote"),
        (["precision: {min: 1, max: 2}"], 4, "precision: is not a number; give its values"),
    ],
)
def test_what_makes_no_sense_together_is_refused_with_its_line(
    tmp_path: Path, parameters: list[str], line: int, message: str
) -> None:
    text = SPACE + "".join(f"  {parameter}\n" for parameter in parameters)
    with pytest.raises(UserError) as raised:
        load(tmp_path, text)
    assert str(raised.value).startswith(f"{tmp_path / 'sweep.yaml'}:{line}: {message}")


@pytest.mark.parametrize(
    "parameters",
    [
        ["model: {value: cnn}", "filters: {values: [16, [32, 64], [32, 64, 128]]}"],
        ["hidden_size: {values: [128, [256, 128], [64]]}"],
        ["hidden_size: {values: [[256, 128], [64, 64]]}", "num_layers: {value: 2}"],
        ["model: {value: cnn}", "hidden_size: {values: [64, [128, 64]]}"],
        ["model: {values: [mlp, rnn]}", "dataset: {values: [imdb, mnist]}", "dropout: {value: 0}"],
        ["strategy: {values: [single, mirrored]}", "jit: {values: ['off', auto]}"],
        ["model: {value: cnn}", "warmup_epochs: {min: 0, max: 3}", "filters: {value: 8}"],
        ["precision: {values: [float32, bfloat16]}", "lr_schedule: {values: [step, one_cycle]}"],
        ["filters: {min: 8, max: 64}", "model: {value: cnn}"],
        ["num_layers: {distribution: q_uniform, min: 1, max: 3, q: 1}", "model: {value: rnn}"],
    ],
)
def test_what_makes_sense_together_is_accepted(tmp_path: Path, parameters: list[str]) -> None:
    load(tmp_path, SPACE + "".join(f"  {parameter}\n" for parameter in parameters))


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
