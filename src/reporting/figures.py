"""Figures of a classifier's results: functions from a table to a matplotlib figure.

They use matplotlib's object interface alone. ``pyplot`` would keep every figure alive until closed,
and is not safe in the threads of a sweep; what is made here is freed like any other object.
"""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.reporting.tables import normalise_rows

# Blue and orange stay apart for colour-blind readers.
RIGHT, WRONG = "#1f5fa8", "#b8480b"
GREY = "#555555"
MAX_ANNOTATED_CLASSES = 25
SAMPLE_COLUMNS = 10


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches, with a canvas of its own to be drawn and saved by."""
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def confusion_matrix_figure(confusion: pd.DataFrame, *, normalised: bool, title: str) -> Figure:
    """Heatmap of a confusion matrix: right answers in blue, mistakes in orange on their own scale.

    Args:
        confusion: Counts, true classes as rows, predicted ones as columns, in the same order.
        normalised: Show percentages of the true class instead of counts.
        title: Heading of the figure.
    """
    classes = len(confusion)
    values = normalise_rows(confusion) * 100 if normalised else confusion
    text = values.map(lambda value: _cell(value, normalised))
    size = min(max(7, 2.6 + 0.66 * classes), 20)
    figure = new_figure(size + 0.4, size)
    axes = figure.add_subplot()
    diagonal = np.eye(classes, dtype=bool)
    # Colour map, how far from its dark end the top value stays, and ink that is legible on it.
    layers: tuple[tuple[NDArray[np.bool_], str, float, dict[str, str]], ...] = (
        (~diagonal, "Blues", 1.25, {}),
        (diagonal, "Oranges", 1.9, {"color": "black"}),
    )
    for hidden, colours, headroom, ink in layers:
        top = float(np.where(hidden, 0, values).max())
        sns.heatmap(
            values,
            mask=hidden,
            # A power below one keeps small counts visible beside large ones.
            norm=PowerNorm(0.65, vmin=0, vmax=top * headroom or 1),
            cmap=colours,
            annot=text if classes <= MAX_ANNOTATED_CLASSES else False,
            fmt="",
            annot_kws={"fontsize": 11 if classes <= 12 else 7, **ink},
            cbar=False,
            square=True,
            linewidths=0.6,
            linecolor="#e4e4e4",
            xticklabels=list(confusion.columns),
            yticklabels=list(confusion.index),
            ax=axes,
        )
    unit = "% of each true class" if normalised else "number of examples"
    _headings(figure, axes, title, f"{unit}; blue: right, orange: mistaken")
    axes.set_xlabel("predicted class", labelpad=8)
    axes.set_ylabel("true class", labelpad=8)
    for label in axes.get_xticklabels():
        label.set(rotation=45, ha="right", rotation_mode="anchor")
    for label in axes.get_yticklabels():
        label.set(rotation=0)
    axes.tick_params(length=0, labelsize=11)
    return figure


def per_class_accuracy_figure(confusion: pd.DataFrame, *, title: str) -> Figure:
    """Bars of the share of each class that was recognised, worst at the bottom.

    Args:
        confusion: Counts, true classes as rows, predicted ones as columns, in the same order.
        title: Heading of the figure.
    """
    counts = confusion.to_numpy()
    overall = counts.trace() / max(counts.sum(), 1)
    shares = pd.DataFrame(
        {"name": confusion.index, "accuracy": np.diag(normalise_rows(confusion))}
    ).sort_values("accuracy", ascending=False, kind="stable")
    figure = new_figure(8, min(1.8 + 0.36 * len(shares), 20))
    axes = figure.add_subplot()
    sns.barplot(
        shares, x="accuracy", y="name", orient="y", color=RIGHT, saturation=1, width=0.72, ax=axes
    )
    for row, share in enumerate(shares["accuracy"]):
        axes.text(1.08, row, f"{share:.1%}", va="center", ha="right", fontsize=11)
    axes.axvline(overall, color=WRONG, linestyle="--", linewidth=1.5)
    _headings(figure, axes, title, f"dashed: all classes together, {overall:.1%}")
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set_xlabel("share recognised")
    axes.set_ylabel("")
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return figure


def sample_predictions_figure(
    images: NDArray[np.uint8], predictions: pd.DataFrame, *, title: str
) -> Figure:
    """Grid of images with what the model said: right answers first, then mistakes.

    Args:
        images: Shape ``(n, height, width, channels)``, one (gray) or three (RGB) channels.
        predictions: The n rows of :func:`src.reporting.tables.predictions_table` for these images.
        title: Heading of the figure.
    """
    correct = predictions["correct"].to_numpy(dtype=bool)
    blocks = [
        ("Right", np.flatnonzero(correct)),
        (
            "Mistaken: true class, then what the model said and how sure it was",
            np.flatnonzero(~correct),
        ),
    ]
    rows = [max(1, -(-len(chosen) // SAMPLE_COLUMNS)) for _, chosen in blocks]
    figure = new_figure(1.32 * SAMPLE_COLUMNS, 1.0 + 1.9 * sum(rows))
    figure.suptitle(title, x=0.01, ha="left", fontsize=15, fontweight="bold")
    layout = figure.add_gridspec(2, 1, height_ratios=rows)
    for k, (heading, chosen) in enumerate(blocks):
        part = figure.add_subfigure(layout[k, 0])
        none = "" if len(chosen) else ": none"
        part.suptitle(heading + none, x=0.01, ha="left", fontsize=12, color=GREY)
        grid = part.subplots(rows[k], SAMPLE_COLUMNS, squeeze=False).ravel()
        for axes in grid:
            axes.set_axis_off()
        for axes, i in zip(grid, chosen, strict=False):
            image = images[i]
            axes.imshow(
                image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=255
            )
            axes.set_title(
                _caption(predictions.iloc[i]),
                fontsize=10,
                pad=4,
                color=RIGHT if correct[i] else WRONG,
            )
    return figure


def _caption(prediction: "pd.Series[Any]") -> str:
    names = [prediction["true"]]
    if not prediction["correct"]:
        names = [f"{names[0]} →", prediction["predicted"]]
    return "\n".join([*names, f"{prediction['confidence']:.1%}"])


def _cell(value: float, normalised: bool) -> str:
    """A cell's text; empty for nothing (or less than the last digit), to keep the matrix calm."""
    if value < (0.05 if normalised else 1):
        return ""
    return f"{value:.1f}" if normalised else f"{value:.0f}"


def _headings(figure: Figure, axes: Axes, title: str, subtitle: str) -> None:
    # A bold character of this size is about an eighth of an inch wide.
    lines = textwrap.fill(title, int(8 * (figure.get_figwidth() - 1.5)))
    axes.set_title(f"{lines}\n", loc="left", fontsize=14, fontweight="bold")
    axes.annotate(
        subtitle, (0, 1), (0, 7), xycoords="axes fraction", textcoords="offset points", color=GREY
    )
