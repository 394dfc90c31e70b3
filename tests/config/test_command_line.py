"""The command line: every flag form works, a bad one is a single line and exit code 2."""

import re
import subprocess
import sys

import pytest

from src.config.command_line import Command, parse_command
from src.config.fields import Section, allowed, choices, fact, parse_value
from src.config.run_config import RunConfig
from src.shared.errors import UserError
from src.shared.paths import ROOT


def test_defaults_are_those_of_the_specification() -> None:
    assert parse_command([]).config.model_dump(include=set(SPECIFIED)) == SPECIFIED


SPECIFIED = {
    "num_layers": 3,
    "hidden_size": 128,
    "activation": "relu",
    "weight_init": "xavier",
    "optimizer": "adam",
    "learning_rate": 0.001,
    "batch_size": 32,
    "epochs": 10,
    "weight_decay": 0.0,
    "loss": "cross_entropy",
    "dataset": "fashion_mnist",
    "no_wandb": False,
}


FIELDS = RunConfig.model_fields


def test_every_hyperparameter_is_a_flag_under_its_heading(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        parse_command(["--help"])
    headings = "|".join(Section)
    texts = re.split(rf"\n(?:{headings}):\n", capsys.readouterr().out)[1:]
    for section, text in zip(Section, texts, strict=True):
        flags = re.findall(r"^  --(\w+)", text, re.M)
        assert flags == [n for n, field in FIELDS.items() if fact(field, "section") == section]


@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if choices(field)])
def test_every_choice_is_accepted(name: str) -> None:
    for value in choices(FIELDS[name]):
        assert parse_value(name, FIELDS[name], value) == value


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--epochs", "3"], {"epochs": 3}),
        (["--epochs=3"], {"epochs": 3}),
        (["--learning_rate=1e-05"], {"learning_rate": 1e-5}),
        (["--no_wandb"], {"no_wandb": True}),
        (["--no_wandb=True"], {"no_wandb": True}),
        (["--no_wandb=False"], {}),
        (["--no_wandb", "--run_name", "a b"], {"no_wandb": True, "run_name": "a b"}),
        # W&B's q_uniform gives whole numbers as floats.
        (["--hidden_size=64.0"], {"hidden_size": 64}),
    ],
)
def test_flag_forms(arguments: list[str], expected: dict[str, object]) -> None:
    assert parse_command(arguments).config.model_dump(exclude_defaults=True) == expected


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--learning_rate", "-1"], ["--learning_rate", "-1", "> 0"]),
        (["--learning_rate", "nan"], ["--learning_rate", "nan"]),
        (["--optimizer", "adamm"], ["--optimizer", "adamm", "nadam"]),
        (["--epochs", "2.5"], ["--epochs", "2.5", "whole number >= 1"]),
        (["--dropout", "1"], ["--dropout", "< 1"]),
        (["--hidden_size", "65537"], ["--hidden_size", "65537", "<= 65536, or a list"]),
        (["--hidden_size", ",".join(["8"] * 101)], ["--num_layers: 101 is not allowed", "<= 100"]),
        (
            ["--model", "cnn", "--filters", "8,8,8,8,8"],
            ["--filters: 28x28 pictures are too small for 5 blocks of stride 1", "at most 4"],
        ),
        (["--warmup_epochs", "10"], ["--warmup_epochs: 10 leaves none of 10", "below epochs"]),
        (["--no_wandb=perhaps"], ["--no_wandb", "perhaps", "True or False"]),
        (["--epochs"], ["--epochs", "expected one argument"]),
        (["--epohcs", "3"], ["--epohcs", "did you mean --epochs?"]),
        (["surplus"], ["surplus"]),
        (["--hidden_size", "64", "32"], ["32", "64,32"]),
        (["--resume"], ["--resume", "expected one argument"]),
        (["--resume", "abc", "--epochs", "3"], ["--epochs", "keeps what it was begun with"]),
        (["--resume", "abc", "--config", "a.yaml"], ["--config", "keeps what it was begun with"]),
    ],
)
def test_bad_input_names_flag_value_and_range(arguments: list[str], parts: list[str]) -> None:
    with pytest.raises(UserError) as raised:
        parse_command(arguments)
    message = str(raised.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_a_run_to_go_on_with_may_be_told_not_to_log() -> None:
    assert parse_command([]).resume is None
    command = parse_command(["--resume", "abc", "--no_wandb"])
    assert command == Command(RunConfig(no_wandb=True), "abc")


def test_help_shows_which_flags_take_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_command(["--help"])
    shown = capsys.readouterr().out
    for flag in ("--hidden_size INT[,INT...]", "--filters INT[,INT...]", "--epochs INT "):
        assert flag in shown


@pytest.mark.parametrize("command", [["-m", "src.train"], ["src/train.py"]])
def test_bad_flag_is_one_line_and_exit_code_2(command: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, *command, "--batch_size", "0"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "--batch_size: '0' is not allowed; it takes a whole number >= 1" in result.stderr


@pytest.mark.parametrize("command", [["-m", "src.train"], ["run_sweep.py"], ["-m", "src.evaluate"]])
def test_help_does_not_import_what_takes_seconds(command: list[str]) -> None:
    slow = ("tensorflow", "keras", "wandb", "pandas", "matplotlib", "sklearn")
    result = subprocess.run(
        [sys.executable, "-X", "importtime", *command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0
    assert "usage:" in result.stdout
    imported = {line.rsplit("|", 1)[-1].strip() for line in result.stderr.splitlines()}
    assert imported.isdisjoint(slow)


def test_allowed_says_what_a_field_takes() -> None:
    assert (
        allowed(FIELDS["activation"]) == "one of sigmoid, tanh, relu, gelu, leaky_relu, elu, swish"
    )
    assert allowed(FIELDS["dropout"]) == "a number >= 0 and < 1"
    assert allowed(FIELDS["no_wandb"]) == "True or False"
