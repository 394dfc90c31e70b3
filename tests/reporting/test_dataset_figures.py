import io

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from src.reporting.dataset_figures import (
    GRID_COLUMNS,
    class_samples_figure,
    review_lengths_figure,
)

RNG = np.random.default_rng(0)
NAMES = ("airplane", "an automobile of some length", "cat")


def png(figure: Figure) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer)


def assert_texts_inside(figure: Figure) -> None:
    undrawn = {label for axes in figure.axes for label in axes.get_xticklabels(which="both")}
    for text in figure.findobj(Text):
        # A logarithmic axis keeps labels for ticks beyond its ends, which it does not draw.
        if text.get_visible() and text.get_text().strip() and text not in undrawn:
            box = text.get_window_extent()
            assert box.x0 >= 0, text
            assert box.y0 >= 0, text
            assert box.x1 <= figure.bbox.width, text
            assert box.y1 <= figure.bbox.height, text


@pytest.mark.parametrize("channels", [1, 3])
def test_each_class_has_a_row_with_its_name_and_only_its_own_pictures(channels: int) -> None:
    y = np.repeat(np.arange(3, dtype=np.int32), 20)
    images = np.broadcast_to((y * 100).astype(np.uint8)[:, None, None, None], (60, 8, 8, channels))
    figure = class_samples_figure(images, y, NAMES, title="Three classes")
    assert min(png(figure).size) > 300
    assert_texts_inside(figure)
    for label in range(3):
        row = figure.axes[label * GRID_COLUMNS : (label + 1) * GRID_COLUMNS]
        assert row[0].get_ylabel() == NAMES[label]
        for axes in row:
            (shown,) = axes.get_images()
            assert set(np.unique(np.asarray(shown.get_array()))) == {label * 100}
    assert pyplot.get_fignums() == []


def test_a_class_with_few_pictures_leaves_places_empty() -> None:
    images = np.zeros((3, 8, 8, 1), np.uint8)
    figure = class_samples_figure(images, np.array([0, 0, 1], np.int32), ("a", "b"), title="Few")
    png(figure)
    shown = [len(axes.get_images()) for axes in figure.axes]
    assert [sum(shown[:GRID_COLUMNS]), sum(shown[GRID_COLUMNS:])] == [2, 1]


def test_length_histogram_counts_every_review_and_says_how_many_are_longer() -> None:
    words = np.concatenate([RNG.integers(10, 200, 300), RNG.integers(201, 2000, 100)])
    # Negative comes first in the legend because it is the first class, not the first review's.
    classes = pd.Categorical.from_codes(np.tile([1, 0], 200), pd.Index(["negative", "positive"]))
    lengths = pd.DataFrame({"words": words, "class": classes})
    figure = review_lengths_figure(lengths, sequence_length=200, title="Some reviews")
    assert min(png(figure).size) > 400
    assert_texts_inside(figure)
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.findobj(Text)]
    assert any("25.0% of the reviews are longer" in text for text in texts)
    assert any(f"median {np.median(words):.0f} words" in text for text in texts)
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["negative", "positive"]
    assert pyplot.get_fignums() == []
