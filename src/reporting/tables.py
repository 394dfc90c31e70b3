"""Tables that say how good a classifier is, from its labels and its predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

Labels = NDArray[np.integer[Any]]


def confusion_table(y_true: Labels, y_pred: Labels, class_names: Sequence[str]) -> pd.DataFrame:
    """Count the examples of each true class (row) by predicted class (column).

    Args:
        y_true: Labels of shape ``(n,)``, each an index into ``class_names``.
        y_pred: Predicted labels, likewise.
        class_names: Every class, also one that does not occur.
    """
    counts = confusion_matrix(y_true, y_pred, labels=range(len(class_names)))
    return pd.DataFrame(
        counts,
        index=pd.Index(class_names, name="true"),
        columns=pd.Index(class_names, name="predicted"),
    )


def normalise_rows(confusion: pd.DataFrame) -> pd.DataFrame:
    """Turn counts into shares of the true class; the row of an absent class is all zero."""
    return confusion.div(confusion.sum(axis=1).replace(0, 1), axis=0)


def classification_table(
    y_true: Labels, y_pred: Labels, class_names: Sequence[str]
) -> pd.DataFrame:
    """Precision, recall, F1 and support of each class, as scikit-learn defines them.

    A class that is never predicted has precision 0, one that never occurs has recall 0.
    """
    columns = precision_recall_fscore_support(
        y_true, y_pred, labels=range(len(class_names)), zero_division=0
    )
    return pd.DataFrame(
        dict(zip(("precision", "recall", "f1", "support"), columns, strict=True)),
        index=pd.Index(class_names, name="class"),
    )


def macro_scores(y_true: Labels, y_pred: Labels) -> dict[str, float]:
    """Means over the classes of ``macro_precision``, ``macro_recall`` and ``macro_f1``.

    As in scikit-learn, a class that neither occurs nor is predicted does not count.
    """
    means = precision_recall_fscore_support(y_true, y_pred, average="macro", zero_division=0)
    names = ("macro_precision", "macro_recall", "macro_f1")
    return {name: float(mean) for name, mean in zip(names, means, strict=False)}


def predictions_table(
    y_true: Labels, probabilities: NDArray[np.floating[Any]], class_names: Sequence[str]
) -> pd.DataFrame:
    """One row an example, in the order of the data set.

    Args:
        y_true: Labels of shape ``(n,)``.
        probabilities: Shape ``(n, classes)``.
        class_names: Names in the order of the labels.

    Returns:
        Columns ``index``, ``true`` and ``predicted`` (names), ``confidence`` (the probability of
        the predicted class, 0..1) and ``correct``.
    """
    y_pred = probabilities.argmax(axis=1)
    names = np.asarray(class_names, dtype=object)
    return pd.DataFrame(
        {
            "index": np.arange(len(y_true)),
            "true": names[y_true],
            "predicted": names[y_pred],
            "confidence": probabilities.max(axis=1),
            "correct": y_true == y_pred,
        }
    )


def most_confused(confusion: pd.DataFrame, count: int = 5) -> pd.DataFrame:
    """The commonest mistakes, most frequent first; fewer than ``count`` if there are no more.

    Returns:
        Columns ``true``, ``predicted``, ``count`` and ``share`` (of the true class, 0..1).
    """
    counts = confusion.to_numpy()
    pairs = pd.DataFrame(
        [
            (name, other, counts[i, j], counts[i, j] / counts[i].sum())
            for i, name in enumerate(confusion.index)
            for j, other in enumerate(confusion.columns)
            if i != j and counts[i, j]
        ],
        columns=["true", "predicted", "count", "share"],
    )
    return pairs.sort_values("count", ascending=False, kind="stable").head(count)


def choose_samples(predictions: pd.DataFrame, right: int = 10, wrong: int = 20) -> pd.DataFrame:
    """Pick the predictions worth showing; the same table always gives the same rows.

    Right ones are the first of each class (so that every class is seen), wrong ones are the
    mistakes that the model was surest of.
    """
    correct = predictions[predictions["correct"]].drop_duplicates("true").head(right)
    mistakes = predictions[~predictions["correct"]].sort_values(
        "confidence", ascending=False, kind="stable"
    )
    return pd.concat([correct, mistakes.head(wrong)])
