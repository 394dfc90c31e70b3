"""Figures of a data set: functions from arrays and tables to a matplotlib figure."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.reporting.figures import GREY, RIGHT, WRONG, new_figure

GRID_COLUMNS = 12


def class_samples_figure(
    images: NDArray[np.uint8], y: NDArray[np.int32], class_names: Sequence[str], *, title: str
) -> Figure:
    """Grid of pictures: a row a class, each with its name and :data:`GRID_COLUMNS` pictures.

    Args:
        images: Shape ``(n, height, width, channels)``, one (gray) or three (RGB) channels.
        y: Class numbers of shape ``(n,)``; the first pictures of each class are drawn.
        class_names: One name a class, in the order of the labels.
        title: Heading of the figure.
    """
    classes = len(class_names)
    height = classes * 0.86 + 0.7
    figure = new_figure(GRID_COLUMNS * 0.86 + 1.5, height)
    figure.suptitle(title, x=0.012, y=1 - 0.13 / height, ha="left", fontsize=15, weight="bold")
    below_title = (0.008, 0.008, 0.984, 1 - 0.008 - 0.5 / height)
    figure.set_layout_engine(
        "constrained", rect=below_title, w_pad=0.02, h_pad=0.02, wspace=0, hspace=0
    )
    grid = figure.subplots(classes, GRID_COLUMNS, squeeze=False)
    for label, (name, row) in enumerate(zip(class_names, grid, strict=True)):
        for axes in row:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        for axes, image in zip(row, images[y == label][:GRID_COLUMNS], strict=False):
            gray = image.shape[-1] == 1
            axes.imshow(image.squeeze(-1) if gray else image, cmap="gray", vmin=0, vmax=255)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=12, labelpad=8)
    return figure


def review_lengths_figure(
    lengths: pd.DataFrame, *, sequence_length: int, title: str, bins: int = 60
) -> Figure:
    """Histogram of the reviews' lengths on a logarithmic axis, one outline a class.

    Args:
        lengths: A row a review, with its ``words`` and its ``class``, which is categorical.
        sequence_length: How many words a run reads unless told; a dashed line shows it.
        title: Heading of the figure.
        bins: Of the histogram.
    """
    figure = new_figure(9, 4.6)
    axes = figure.add_subplot()
    sns.histplot(
        lengths,
        x="words",
        hue="class",
        bins=bins,
        log_scale=True,
        element="step",
        palette=[WRONG, RIGHT, *sns.color_palette("Set2")][: lengths["class"].nunique()],
        alpha=0.25,
        ax=axes,
    )
    axes.axvline(sequence_length, color=GREY, linestyle="--", linewidth=1.5)
    longer = (lengths["words"] > sequence_length).mean()
    median = lengths["words"].median()
    axes.set_title(f"{title}\n", loc="left", fontsize=14, fontweight="bold")
    axes.annotate(
        f"median {median:.0f} words; dashed: the {sequence_length} words that a run reads by"
        f" default, {longer:.1%} of the reviews are longer",
        *((0, 1), (0, 7)),
        xycoords="axes fraction",
        textcoords="offset points",
        color=GREY,
    )
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set(xlabel="words in a review (logarithmic)", ylabel="reviews")
    axes.spines[["top", "right"]].set_visible(False)
    sns.move_legend(axes, "upper left", title=None, frameon=False)
    return figure
