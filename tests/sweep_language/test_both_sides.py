"""The check before a sweep and the server say the same of a sweep that cannot be."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from src.shared.errors import UserError
from src.sweeps.definition import load_definition
from src.wandb_server.errors import RequestError
from src.wandb_server.scheduling.sweep_config import sweep_spec

HEAD = "method: random\nmetric: {name: val_loss}\n"
TAIL = "parameters:\n  epochs: {value: 1}\n"


def parameter(*lines: str) -> str:
    """A sweep of one parameter."""
    return HEAD + "parameters:\n  learning_rate:\n" + "".join(f"    {line}\n" for line in lines)


# The line at fault is the one with an x behind it.
BAD = [
    "metod: grid  # x\n" + TAIL,
    "1: grid  # x\n" + TAIL,
    "description: no method  # x\nmetric: {name: val_loss}\n" + TAIL,
    "method: baies  # x\nmetric: {name: val_loss}\n" + TAIL,
    "method: [bayes]  # x\nmetric: {name: val_loss}\n" + TAIL,
    "name: no metric  # x\nmethod: bayes\n" + TAIL,
    "method: bayes\nmetric: val_loss  # x\n" + TAIL,
    "method: bayes\nmetric:  # x\n  goal: minimize\n" + TAIL,
    "method: bayes\nmetric:\n  name:  # x\n" + TAIL,
    "method: bayes\nmetric:\n  name: val_loss\n  goal: maximise  # x\n" + TAIL,
    "method: bayes\nmetric:\n  name: val_loss\n  target: 1e-3  # x\n" + TAIL,
    "method: bayes\nmetric:\n  name: val_loss\n  impute: best  # x\n" + TAIL,
    "method: bayes\nmetric:\n  name: val_loss\n  gaol: minimize  # x\n" + TAIL,
    HEAD + "run_cap: 0  # x\n" + TAIL,
    HEAD + "run_cap: 2.5  # x\n" + TAIL,
    HEAD + "seed: -1  # x\n" + TAIL,
    HEAD + "early_terminate: 3  # x\n" + TAIL,
    HEAD + "early_terminate:  # x\n  min_iter: 1\n" + TAIL,
    HEAD + "early_terminate:\n  type: median  # x\n" + TAIL,
    HEAD + "early_terminate:  # x\n  type: hyperband\n" + TAIL,
    HEAD + "early_terminate:  # x\n  type: hyperband\n  max_iter: 9\n" + TAIL,
    HEAD + "early_terminate:\n  type: hyperband\n  max_iter: 2  # x\n  s: 2\n" + TAIL,
    HEAD + "early_terminate:\n  type: hyperband\n  min_iter: 0  # x\n" + TAIL,
    HEAD + "early_terminate:\n  type: hyperband\n  min_iter: 1\n  eta: 1  # x\n" + TAIL,
    HEAD + "early_terminate:\n  type: hyperband\n  min_iter: 1\n  strict: maybe  # x\n" + TAIL,
    HEAD + "early_terminate:\n  type: hyperband\n  min_iter: 1\n  ete: 2  # x\n" + TAIL,
    "method: random  # x\nmetric: {name: val_loss}\n",
    HEAD + "parameters: {}  # x\n",
    HEAD + "parameters: [epochs]  # x\n",
    HEAD + "parameters:\n  learning rate: {value: 1}  # x\n",
    HEAD + "parameters:\n  learning_rate: 0.1  # x\n",
    HEAD + "parameters:\n  group:\n    parameters:  # x\n",
    HEAD + "parameters:\n  group:\n    parameters: {epochs: {value: 1}}\n    min: 1  # x\n",
    HEAD + "parameters:\n  group:\n    parameters:\n      epochs: {min: 1}  # x\n",
    "method: grid\nmetric: {name: val_loss}\nparameters:\n  dropout: {min: 0.0, max: 0.5}  # x\n",
    "method: grid\nmetric: {name: val_loss}\nparameters:\n"
    "  epochs: {values: [1, 2], probabilities: [1, 2]}  # x\n",
    parameter("min: 1").replace("learning_rate:", "learning_rate:  # x"),
    parameter("valeu: 0.1  # x"),
    parameter("distribution: uniformly  # x"),
    parameter("distribution: [uniform]  # x"),
    parameter("distribution: constant").replace("learning_rate:", "learning_rate:  # x"),
    parameter("distribution: uniform", "min: 1").replace("learning_rate:", "learning_rate:  # x"),
    parameter("min: 5.0  # x", "max: 1.0"),
    parameter("min: 1e-3  # x", "max: 1.0"),
    parameter("min: .nan  # x", "max: 1.0"),
    parameter("min: 0.1", "max: true  # x"),
    parameter("min: 0.1", "max: .inf  # x"),
    parameter("min: 1", "max: 5", "q: 2  # x"),
    parameter("distribution: int_uniform", "min: 1.5  # x", "max: 5"),
    parameter("distribution: log_uniform_values", "min: 0  # x", "max: 5"),
    parameter("distribution: log_uniform", "min: 0", "max: 5000  # x"),
    parameter("distribution: log_normal", "sigma: 500  # x"),
    parameter("distribution: normal", "sigma: 0  # x"),
    parameter("distribution: beta", "a: -1  # x"),
    parameter("distribution: q_uniform", "min: 1", "max: 2", "q: 0  # x"),
    parameter("distribution: q_uniform", "min: 1", "max: 2", "q: 5  # x"),
    parameter("values: []  # x"),
    parameter("values: adam  # x"),
    parameter("values: [1, 2]", "probabilities: [1]  # x"),
    parameter("values: [1, 2]", "probabilities: [0, 0]  # x"),
    parameter("value: 1", "values: [1, 2]  # x"),
    HEAD + "conditions: []  # x\n" + TAIL,
    HEAD + 'conditions:\n  "two\\nlines": [model]  # x\n' + TAIL,
    HEAD + "conditions:\n  epochs: [model]  # x\n" + TAIL,
    HEAD + "conditions:\n  epochs:\n    model: mlp  # x\n" + TAIL,
    HEAD + "conditions:\n  dropout: {epochs: [1]}  # x\n" + TAIL,
    HEAD + "conditions:\n  epochs:\n    epochs: [1]  # x\n" + TAIL,
]


@dataclass
class Refusals:
    """What the check, at a line, and the server say of one text."""

    line: int
    checked: str
    served: str


def refusals(folder: Path, text: str) -> Refusals:
    file = folder / "sweep.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as checked:
        load_definition(file)
    with pytest.raises(RequestError) as served:
        sweep_spec(text)
    line, words = str(checked.value).removeprefix(f"{file}:").split(": ", 1)
    assert "\n" not in f"{words}{served.value}"
    return Refusals(int(line), words, str(served.value))


@pytest.mark.parametrize("text", BAD)
def test_both_refuse_it_in_the_same_words_and_the_check_names_the_line(
    tmp_path: Path, text: str
) -> None:
    said = refusals(tmp_path, text)
    [line] = [n for n, one in enumerate(text.splitlines(), 1) if one.endswith("# x")]
    assert (said.line, said.checked) == (line, said.served.removeprefix("parameters."))


@pytest.mark.parametrize("text", ["", "- method: grid\n", "grid\n", "3\n"])
def test_both_say_that_a_sweep_is_a_mapping(tmp_path: Path, text: str) -> None:
    said = refusals(tmp_path, text)
    words = "a sweep file is a mapping with method, metric, parameters"
    assert (said.line, said.checked, said.served) == (1, words, f"the sweep: {words}")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        *(("a: b: c\n", 1), ("method: grid\n  x: [1\n", 2), ("\tmethod: grid\n", 1)),
        *(("x: \x07\n", 1), ("[" * 5000, 1)),
    ],
)
def test_both_say_the_same_of_what_is_not_yaml_with_its_line(
    tmp_path: Path, text: str, line: int
) -> None:
    said = refusals(tmp_path, text)
    assert re.match("not (YAML|a value that can be read)", said.checked)
    assert (said.line, said.served) == (line, f"{said.checked} (line {line})")
