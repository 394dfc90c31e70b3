import io
import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from src.reporting.figures import (
    confusion_matrix_figure,
    per_class_accuracy_figure,
    sample_predictions_figure,
)
from src.reporting.tables import choose_samples, confusion_table, predictions_table

NAMES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
GENERATOR = np.random.default_rng(7)
Y_TRUE = np.repeat(np.arange(10), 100)
PROBABILITIES = GENERATOR.dirichlet(np.full(10, 0.2), 1000)
PROBABILITIES[:900, :] += np.eye(10)[Y_TRUE[:900]]
PROBABILITIES /= PROBABILITIES.sum(axis=1, keepdims=True)
CONFUSION = confusion_table(Y_TRUE, PROBABILITIES.argmax(axis=1), NAMES)
PREDICTIONS = predictions_table(Y_TRUE, PROBABILITIES, NAMES)


def png(figure: Figure) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer)


def samples(channels: int, predictions: pd.DataFrame = PREDICTIONS) -> Figure:
    chosen = choose_samples(predictions)
    images = GENERATOR.integers(0, 255, (len(chosen), 28, 28, channels), dtype=np.uint8)
    return sample_predictions_figure(images, chosen, title="Samples")


def visible_texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


@pytest.mark.parametrize("normalised", [False, True])
def test_confusion_cells_show_each_value_and_leave_zeros_empty(normalised: bool) -> None:
    names = ("yes", "no")
    confusion = confusion_table(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), names)

    figure = confusion_matrix_figure(confusion, normalised=normalised, title="T")

    cells = {text.get_text() for text in figure.axes[0].texts} - {""}
    expected = {"66.7", "33.3", "100.0"} if normalised else {"2", "1"}
    assert expected <= cells
    assert "0" not in cells
    assert "0.0" not in cells


@pytest.mark.parametrize("classes", [2, 4, 10])
def test_confusion_labels_and_long_title_stay_inside_and_do_not_overlap(classes: int) -> None:
    confusion = CONFUSION.iloc[-classes:, -classes:]
    title = "Validation confusion, fashion_mnist, run 8k2jx0qa of a long name"
    figure = confusion_matrix_figure(confusion, normalised=False, title=title)
    png(figure)
    axes = figure.axes[0]
    # Rotated labels overlap when their unrotated heights are wider apart than their anchors.
    anchors = [
        label.get_transform().transform(label.get_position())[0] for label in axes.get_xticklabels()
    ]
    height = axes.get_yticklabels()[0].get_window_extent().height
    assert [label.get_text() for label in axes.get_xticklabels()] == list(NAMES[-classes:])
    assert min(np.diff(anchors)) * np.sin(np.pi / 4) > height
    for label in visible_texts(figure):
        box = label.get_window_extent()
        assert box.x0 >= 0, label
        assert box.y0 >= 0, label
        assert box.x1 <= figure.bbox.width, label
        assert box.y1 <= figure.bbox.height, label


def test_confusion_of_many_classes_is_drawn_without_numbers() -> None:
    names = [f"class {i}" for i in range(40)]
    labels = np.arange(40)

    figure = confusion_matrix_figure(
        confusion_table(labels, labels, names), normalised=False, title="T"
    )

    assert not [text for text in figure.axes[0].texts if text.get_text() == "1"]
    assert png(figure).size[0] <= 3100


def test_confusion_of_a_perfect_classifier_can_be_drawn() -> None:
    confusion = confusion_table(Y_TRUE, Y_TRUE, NAMES)

    assert png(confusion_matrix_figure(confusion, normalised=True, title="T")).size[0] > 1000


def test_accuracy_bars_are_sorted_and_as_long_as_the_recall_of_their_class() -> None:
    figure = per_class_accuracy_figure(CONFUSION, title="T")
    axes = figure.axes[0]

    lengths = [bar.get_width() for bar in axes.containers[0]]
    names = [label.get_text() for label in axes.get_yticklabels()]

    assert lengths == sorted(lengths, reverse=True)
    recalls = dict(zip(NAMES, np.diag(CONFUSION) / 100, strict=True))
    assert dict(zip(names, lengths, strict=True)) == pytest.approx(recalls)


@pytest.mark.parametrize("channels", [1, 3])
def test_samples_of_gray_and_rgb_images_carry_true_and_predicted_name(channels: int) -> None:
    figure = samples(channels)

    png(figure)
    captions = {axes.get_title() for axes in figure.axes if axes.get_title()}
    mistake = choose_samples(PREDICTIONS).iloc[10]
    assert len(captions) == 30
    assert f"{mistake['true']} →\n{mistake['predicted']}\n{mistake['confidence']:.1%}" in captions


def test_sample_captions_of_neighbours_do_not_overlap() -> None:
    figure = samples(1)
    png(figure)
    boxes = [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]

    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


@pytest.mark.parametrize("correct", [True, False])
def test_samples_say_none_when_all_are_right_or_all_mistaken(correct: bool) -> None:
    figure = samples(1, PREDICTIONS[PREDICTIONS["correct"] == correct])

    png(figure)
    headings = [text.get_text() for text in visible_texts(figure)]
    assert sum(heading.endswith(": none") for heading in headings) == 1


def test_figures_drawn_in_threads_are_complete_and_leave_nothing_in_pyplot() -> None:
    def draw(_: int) -> bytes:
        figure = confusion_matrix_figure(CONFUSION, normalised=False, title="T")
        return png(figure).tobytes()

    with ThreadPoolExecutor(3) as pool:
        pictures = set(pool.map(draw, range(6)))
    png(per_class_accuracy_figure(CONFUSION, title="T"))
    png(samples(1))

    assert len(pictures) == 1
    assert pyplot.get_fignums() == []
