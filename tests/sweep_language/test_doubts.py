"""What a sweep says but hardly means is told, by the server and with its line by the check."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from src.sweep_language.grammar import parse_sweep
from src.sweeps.definition import load_definition

HEAD = "method: random\nmetric: {name: val_loss}\n"
TAIL = "parameters:\n  epochs: {value: 1}\n"


def rate(entry: str) -> str:
    return f"{HEAD}parameters:\n  learning_rate: {{\n    {entry}}}\n"


def told(text: str) -> list[str]:
    return [str(doubt) for doubt in parse_sweep(yaml.safe_load(text)).doubts]


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        (
            rate("distribution: log_uniform, max: 0.1,\n    min: 0.0001  # x\n  "),
            "parameters.learning_rate.min: log_uniform takes exponents of e, so it is drawn from "
            "1.0001 to 1.10517; for these very values write log_uniform_values",
        ),
        (
            rate("distribution: q_log_uniform, max: 256,\n    min: 16  # x\n  "),
            "from 8.88611e+06 to 1.51143e+111; for these very values write q_log_uniform_values",
        ),
        (
            rate("distribution: inv_log_uniform, max: 0.5,\n    min: 0.1  # x\n  "),
            "from 0.606531 to 0.904837; for these very values write inv_log_uniform_values",
        ),
        (
            rate("values: [0.1, 0.2],\n    probabilities: [0.5, 0.1]  # x\n  "),
            "probabilities: sum to 0.6 and are taken as shares of it; let them sum to 1",
        ),
        (
            HEAD + TAIL + "controller:\n  type: lokal  # x\n",
            "controller.type: 'lokal' is unknown, so cloud is taken; did you mean 'local'?",
        ),
        (HEAD + TAIL + "controller: {}  # x\n", "controller.type: None is unknown"),
        (HEAD + TAIL + "controller: local  # x\n", "controller.type: local is not asked"),
        (HEAD + TAIL + "controller: {type: local}  # x\n", "controller.type: local is not asked"),
        (HEAD + TAIL + "name: 3  # x\n", "name: 3 is not a text; put it in quotes"),
        (HEAD + TAIL + "command: python  # x\n", "command: is not a list"),
    ],
)
def test_a_doubt_names_its_place_and_the_cure(text: str, doubt: str, tmp_path: Path) -> None:
    (said,) = told(text)
    assert doubt in said
    file = tmp_path / "sweep.yaml"
    file.write_text(text)
    (warning,) = load_definition(file).warnings
    line = text[: text.index("# x")].count("\n") + 1
    assert warning == f"{file}:{line}: warning: {said.removeprefix('parameters.')}"


def test_numbers_that_yaml_reads_as_text_are_doubtful_at_any_depth() -> None:
    text = (
        HEAD + "parameters:\n  a: {parameters: {b: {values: [1e-3, 1.0e-4]}}}\n  c: {value: 2E5}\n"
    )
    assert [re.sub("; .*", "", said) for said in told(text)] == [
        "parameters.a.parameters.b.values: '1e-3' is a text",
        "parameters.c.value: '2E5' is a text",
    ]


@pytest.mark.parametrize(
    "entry",
    [
        {"distribution": "log_uniform", "min": -9.2, "max": -2.3},
        {"distribution": "log_uniform", "min": 0, "max": 5.5},
        {"distribution": "q_log_uniform", "min": 1.0, "max": 3.0, "q": 2},
        {"distribution": "log_uniform_values", "min": 1e-4, "max": 0.1},
        {"values": [1, 2, 3], "probabilities": [1 / 3, 1 / 3, 1 / 3]},
        {"values": ["adam", "nadam", "32", "inf", "e"]},
        {"value": None},
    ],
)
def test_what_is_meant_is_not_doubted(entry: dict[str, Any]) -> None:
    config = {"method": "random", "parameters": {"x": entry}, "controller": {"type": "cloud"}}
    assert parse_sweep(config).doubts == ()
