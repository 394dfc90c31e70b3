import numpy as np
import pandas as pd
import pytest

from src.reporting.tables import (
    choose_samples,
    classification_table,
    confusion_table,
    macro_scores,
    most_confused,
    normalise_rows,
    predictions_table,
)

NAMES = ("cat", "dog", "eel")
# Four cats (one called a dog, one an eel), two dogs (both called dogs), no eel.
Y_TRUE = np.array([0, 0, 0, 0, 1, 1])
Y_PRED = np.array([0, 0, 1, 2, 1, 1])


def test_confusion_counts_true_classes_by_row_and_keeps_absent_classes() -> None:
    table = confusion_table(Y_TRUE, Y_PRED, NAMES)

    assert table.to_numpy().tolist() == [[2, 1, 1], [0, 2, 0], [0, 0, 0]]
    assert list(table.index) == list(table.columns) == list(NAMES)
    assert (table.index.name, table.columns.name) == ("true", "predicted")


def test_normalised_rows_sum_to_one_except_for_an_absent_class() -> None:
    shares = normalise_rows(confusion_table(Y_TRUE, Y_PRED, NAMES))

    assert shares.to_numpy().tolist() == [[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 0]]


def test_precision_recall_and_f1_equal_hand_computed_values() -> None:
    table = classification_table(Y_TRUE, Y_PRED, NAMES)

    assert table["precision"].tolist() == pytest.approx([1, 2 / 3, 0])
    assert table["recall"].tolist() == pytest.approx([0.5, 1, 0])
    assert table["f1"].tolist() == pytest.approx([2 / 3, 4 / 5, 0])
    assert table["support"].tolist() == [4, 2, 0]


@pytest.mark.parametrize(
    ("y_pred", "expected"),
    [
        (Y_PRED, [(1 + 2 / 3) / 3, 1.5 / 3, (2 / 3 + 4 / 5) / 3]),
        (np.array([0, 0, 1, 1, 1, 1]), [3 / 4, 3 / 4, 2 / 3]),
        (Y_TRUE, [1, 1, 1]),
    ],
)
def test_a_class_that_is_neither_there_nor_predicted_is_in_no_mean(
    y_pred: np.ndarray, expected: list[float]
) -> None:
    """An eel is predicted at first, so it counts there."""
    scores = macro_scores(Y_TRUE, y_pred)
    assert list(scores) == ["macro_precision", "macro_recall", "macro_f1"]
    assert list(scores.values()) == pytest.approx(expected)


def test_predictions_name_classes_and_give_the_predicted_class_probability() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.3, 0.1, 0.6]])

    table = predictions_table(np.array([0, 1]), probabilities, NAMES)

    assert table.to_dict("records") == [
        {"index": 0, "true": "cat", "predicted": "cat", "confidence": 0.7, "correct": True},
        {"index": 1, "true": "dog", "predicted": "eel", "confidence": 0.6, "correct": False},
    ]


def test_most_confused_ranks_mistakes_only_and_gives_their_share_of_the_true_class() -> None:
    confusion = confusion_table(
        np.array([0, 0, 0, 0, 1, 1, 1]), np.array([0, 1, 1, 2, 1, 2, 1]), NAMES
    )

    pairs = most_confused(confusion, count=2)

    assert pairs.to_dict("records") == [
        {"true": "cat", "predicted": "dog", "count": 2, "share": 0.5},
        {"true": "cat", "predicted": "eel", "count": 1, "share": 0.25},
    ]


def test_most_confused_is_empty_for_a_perfect_classifier() -> None:
    assert most_confused(confusion_table(Y_TRUE, Y_TRUE, NAMES)).empty


def test_samples_show_every_recognised_class_and_the_surest_mistakes() -> None:
    predictions = pd.DataFrame(
        {
            "index": range(6),
            "true": ["cat", "cat", "dog", "cat", "dog", "dog"],
            "predicted": ["cat", "cat", "dog", "dog", "cat", "eel"],
            "confidence": [0.9, 0.99, 0.5, 0.6, 0.8, 0.7],
            "correct": [True, True, True, False, False, False],
        }
    )

    chosen = choose_samples(predictions, wrong=2)

    assert chosen["index"].tolist() == [0, 2, 4, 5]
