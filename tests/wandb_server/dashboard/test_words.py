"""Sentences of the pages."""

from typing import Any

import pytest

from src.wandb_server.dashboard import words
from src.wandb_server.scheduling.sweep_config import sweep_spec

STOP = {"bracket": 2, "value": 0.7123, "threshold": 0.8312}


def spec(**early: Any) -> Any:
    return sweep_spec(
        "method: random\nmetric: {name: val_accuracy, goal: maximize}\n"
        f"early_terminate: { ({'type': 'hyperband', 'min_iter': 1} | early)!r}\n"
        "parameters: {x: {min: 0.0, max: 1.0}}\n"
    )


@pytest.mark.parametrize(
    ("eta", "part"), [(2, "top half"), (3, "top third"), (4, "top quarter"), (2.5, "best 40 %")]
)
def test_an_early_stop_tells_bracket_value_threshold_and_share(eta: float, part: str) -> None:
    assert words.early_stop(STOP, spec(eta=eta)) == (
        "Stopped at bracket 2 (2 logged points): best val_accuracy 0.712 was below the 0.831"
        f" needed to stay in the {part}"
    )


def test_numbers_that_are_close_are_told_apart() -> None:
    assert words.apart(0.70312, 0.70314) == ("0.70312", "0.70314")
    close = words.early_stop(STOP | {"value": 0.83119}, spec(eta=2))
    assert "0.8312 needed" in close
    assert "accuracy 0.8312 " not in close


def test_mistakes_are_named_from_the_true_to_the_predicted_class() -> None:
    matrix = [[9, 1, 0], [4, 6, 0], [0, 0, 0]]
    assert words.confused(["Shirt", "Coat", "Bag"], matrix) == [
        "Coat taken for Shirt (4 of 10, 40 %)",
        "Shirt taken for Coat (1 of 10, 10 %)",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00031622, "0.0003162"), (128.0, "128"), (50508.26, "50,508"), (1e-12, "1e-12")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0s"), (62, "1m 2s"), (3723, "1h 2m"), (90_000, "1d 1h"), (None, "")],
)
def test_durations_have_two_units(seconds: float | None, text: str) -> None:
    assert words.duration(seconds) == text
