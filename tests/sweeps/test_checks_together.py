"""Sweep files: what makes no sense together is refused, and what does is not."""

from pathlib import Path

import pytest

from src.shared.errors import UserError
from tests.sweeps.sweep_files import load

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
