"""Confusion matrices out of logged tables."""

from typing import Any

import pytest

from src.wandb_server.dashboard import confusion

ROWS: list[list[Any]] = [
    ["cat & dog <i>", "cat & dog <i>", 8.0],
    ["cat & dog <i>", "a class with a long name", 2.0],
    ["a class with a long name", "cat & dog <i>", 0.0],
    ["a class with a long name", "a class with a long name", 5.0],
]


def test_counts_come_back_by_true_and_predicted_class() -> None:
    matrix = confusion.read(ROWS)
    assert matrix is not None
    assert matrix.cells == [[8, 2], [0, 5]]
    assert (matrix.right, matrix.total) == (13, 15)
    assert matrix.mistakes == ["cat & dog <i> taken for a class with a long name (2 of 10, 20 %)"]


def test_right_and_wrong_cells_have_scales_of_their_own() -> None:
    matrix = confusion.read(ROWS)
    assert matrix is not None
    wrong, right = matrix.figure(normalised=False)["data"]
    assert (wrong["z"], wrong["zmax"]) == ([[None, 2], [0, None]], 2)
    assert (right["z"], right["zmax"]) == ([[8, None], [None, 5]], 8)
    shares = matrix.figure(normalised=True)["data"][1]
    assert shares["text"] == [["80", ""], ["", "100"]]


def test_class_names_are_short_and_escaped_on_the_axes_and_whole_when_pointed_at() -> None:
    matrix = confusion.read(ROWS)
    assert matrix is not None
    figure = matrix.figure(normalised=False)
    names = figure["layout"]["xaxis"]["ticktext"]
    assert names == ["cat &amp; dog &lt;i&gt;", "a class with a …"]
    assert figure["data"][0]["customdata"][0][1][1] == "a class with a long name"


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [["a", "b", -1.0]],
        [["a", "b", 0.5]],
        [["a", "b", float("nan")]],
        [["a", "b", float("inf")]],
        [["a", "b", True]],
        [["a", "b", None]],
        [["a", "b"]],
        [["a", "a", 1.0]],
        [["a", "b", 0.0]],
        [[i, i, 1.0] for i in range(101)],
    ],
)
def test_another_table_is_not_taken_for_one(rows: list[list[Any]]) -> None:
    assert confusion.read(rows) is None
