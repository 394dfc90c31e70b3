"""The operations of a training step, against numbers worked out by hand."""

from dataclasses import replace

import pytest

from benchmarks.flops import training_flops
from benchmarks.problems import FAMILIES


def test_an_mlp() -> None:
    # 784·128 = 100,352 multiply-adds need no gradient of their input; 2·128·128 and 128·10 do.
    expected = 2 * (2 * 100_352 + 3 * (16_384 + 16_384 + 1_280))
    assert training_flops(FAMILIES["mlp"]) == expected == 605_696


def test_a_cnn() -> None:
    first = 1024 * 9 * 3 * 32  # 32·32 places, 3·3 kernels, 3 channels to 32
    rest = 1024 * 9 * 32 * 32 + 256 * 9 * 32 * 64 + 256 * 9 * 64 * 64 + 8 * 8 * 64 * 128 + 1280
    assert training_flops(FAMILIES["cnn"]) == 2 * (2 * first + 3 * rest)


@pytest.mark.parametrize(("bidirectional", "directions"), [(False, 1), (True, 2)])
def test_an_lstm(bidirectional: bool, directions: int) -> None:
    problem = FAMILIES["rnn"]
    config = problem.config.model_copy(update={"bidirectional": bidirectional})
    products = directions * (200 * (64 * 256 + 64 * 256) + 64 * 2)
    assert training_flops(replace(problem, config=config)) == 6 * products


def test_a_resnet() -> None:
    stem = 1024 * 9 * 3 * 16
    first_stage = 4 * 1024 * 9 * 16 * 16
    # Every later stage halves the side and doubles the filters: its first convolution sees half
    # of the channels, and so does the 1x1 convolution of its shortcut.
    later = sum(
        (side**2) * (9 * f * f // 2 + 3 * 9 * f * f + f * f // 2)
        for side, f in [(16, 32), (8, 64), (4, 128)]
    )
    expected = 2 * (2 * stem + 3 * (first_stage + later + 128 * 10))
    assert training_flops(FAMILIES["resnet"]) == expected
