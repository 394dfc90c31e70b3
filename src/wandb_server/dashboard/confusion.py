"""Confusion matrices, from the table that ``wandb.plot.confusion_matrix`` logs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from src.wandb_server.dashboard import words
from src.wandb_server.dashboard.charts import Figure, text

COLUMNS = ["Actual", "Predicted", "nPredictions"]
MAX_CLASSES = 100
_MAX_LABELLED = 25  # classes up to which each cell has its number


@dataclass(frozen=True)
class Matrix:
    """How often each class (row) was taken for each class (column)."""

    classes: list[str]
    cells: list[list[int]]

    @property
    def total(self) -> int:
        """How many examples there are."""
        return sum(map(sum, self.cells))

    @property
    def right(self) -> int:
        """How many were classified rightly."""
        return sum(row[i] for i, row in enumerate(self.cells))

    @cached_property
    def mistakes(self) -> list[str]:
        """The most frequent mistakes in words."""
        return words.confused(self.classes, self.cells)

    def figure(self, normalised: bool) -> Figure:
        """A heatmap: right answers in blue, mistakes in orange, each with a scale of its own."""
        ticks = {
            "tickvals": list(range(len(self.classes))),
            "ticktext": [text(name, 16) for name in self.classes],
            "showgrid": False,
            "automargin": True,
        }
        predicted = {"title": {"text": "predicted", "standoff": 8}, "tickangle": -45}
        true = {"title": {"text": "true", "standoff": 8}, "autorange": "reversed"}
        return {
            "data": [self._trace(normalised, right=right) for right in (False, True)],
            "layout": {"xaxis": ticks | predicted, "yaxis": ticks | true, "dragmode": False},
        }

    def _trace(self, normalised: bool, *, right: bool) -> dict[str, Any]:
        n = range(len(self.classes))
        shares = [[cell / (sum(row) or 1) for cell in row] for row in self.cells]
        shown: list[list[Any]] = [list(row) for row in (shares if normalised else self.cells)]
        for i in n:
            shown[i] = [v if (i == j) is right else None for j, v in enumerate(shown[i])]
        names = [text(name) for name in self.classes]
        labelled = len(self.classes) <= _MAX_LABELLED
        return {
            "type": "heatmap",
            # By number: two classes may have the same short name.
            "x": list(n),
            "y": list(n),
            "z": shown,
            "text": [[_label(v, normalised) for v in row] for row in shown] if labelled else None,
            "texttemplate": "%{text}" if labelled else None,
            "customdata": [
                [[names[i], names[j], self.cells[i][j], f"{shares[i][j]:.1%}"] for j in n]
                for i in n
            ],
            "hovertemplate": "%{customdata[0]} → <b>%{customdata[1]}</b><br>"
            "%{customdata[2]:,} (%{customdata[3]} of the true class)<extra></extra>",
            "hoverongaps": False,
            "xgap": 1,
            "ygap": 1,
            "zmin": 0,
            "zmax": max((v for row in shown for v in row if v), default=1),
            "showscale": False,
            # The page's script puts the theme's colours in.
            "meta": {"scale": "right" if right else "wrong"},
        }


def read(rows: list[list[Any]]) -> Matrix | None:
    """The matrix in a table, whose rows are in the order of the classes; None if it has none."""
    if not all(len(row) == 3 and _is_count(row[2]) for row in rows):
        return None
    classes = list(dict.fromkeys(str(name) for row in rows for name in row[:2]))
    if not 2 <= len(classes) <= MAX_CLASSES:
        return None
    place = {name: i for i, name in enumerate(classes)}
    cells = [[0] * len(classes) for _ in classes]
    for actual, predicted, amount in rows:
        cells[place[str(actual)]][place[str(predicted)]] += int(amount)
    return Matrix(classes, cells) if any(map(any, cells)) else None


def _is_count(value: Any) -> bool:
    # The client sends counts as 77.0.
    return type(value) in (int, float) and 0 <= value < 2**53 and value == int(value)


def _label(value: float | None, normalised: bool) -> str:
    if not value:
        return ""
    if not normalised:
        return str(value)
    return f"{100 * value:.0f}" if value >= 0.095 else f"{100 * value:.1f}"
