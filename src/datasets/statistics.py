"""What is in a data set: tables of its classes, values, lengths and duplicates."""

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.datasets.formats.words import UNKNOWN, Corpus
from src.datasets.spec import Half

Labels = NDArray[np.int32]


def class_table(y: Mapping[Half, Labels], class_names: Sequence[str]) -> pd.DataFrame:
    """Examples of each class: a row a class, for each half its number and its share."""
    table = pd.DataFrame(index=pd.Index(class_names, name="class"))
    for half, labels in y.items():
        counts = np.bincount(labels, minlength=len(class_names))
        table[half] = counts
        table[f"{half} share"] = counts / counts.sum()
    return table


def pixel_table(x: Mapping[Half, NDArray[np.uint8]]) -> pd.DataFrame:
    """A row for each half and channel: least, greatest, mean and standard deviation of its pixels.

    Mean and deviation are on the 0..1 scale, as in :class:`InputSpec`.
    """
    rows = {}
    for half, images in x.items():
        for channel in range(images.shape[-1]):
            # 256 counts hold all there is to know, in the memory of none of the pixels.
            counts = np.bincount(images[..., channel].ravel(), minlength=256)
            value = np.arange(256) / 255
            mean = np.average(value, weights=counts)
            deviation = np.sqrt(np.average((value - mean) ** 2, weights=counts))
            present = np.flatnonzero(counts)
            rows[half, channel] = (present[0], present[-1], mean, deviation)
    columns = ["min", "max", "mean", "std"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.index = pd.MultiIndex.from_tuples(rows, names=["half", "channel"])
    return table


def length_table(corpora: Mapping[Half, Corpus]) -> pd.DataFrame:
    """A row a half: words of its shortest, median, 95th percentile and longest review."""
    columns = {"min": 0, "median": 50, "95 %": 95, "max": 100}
    rows = {half: np.percentile(c.lengths, [*columns.values()]) for half, c in corpora.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=[*columns]).astype(int)


def truncation_table(corpora: Mapping[Half, Corpus], lengths: Iterable[int]) -> pd.DataFrame:
    """A row a sequence length: the share of each half's reviews that are longer."""
    shares = {n: {half: (c.lengths > n).mean() for half, c in corpora.items()} for n in lengths}
    table = pd.DataFrame.from_dict(shares, orient="index")
    return table.rename_axis("sequence_length")


def coverage_table(corpora: Mapping[Half, Corpus], sizes: Iterable[int]) -> pd.DataFrame:
    """A row a vocabulary size: the share of each half's running words that are known."""
    shares = {
        size: {
            half: ((c.words != UNKNOWN) & (c.words < size)).mean() for half, c in corpora.items()
        }
        for size in sizes
    }
    table = pd.DataFrame.from_dict(shares, orient="index")
    return table.rename_axis("vocabulary_size")


def duplicate_table(
    examples: Mapping[Half, Sequence[Hashable]], y: Mapping[Half, Labels]
) -> pd.DataFrame:
    """How many examples are exact copies, and how many of these have another label.

    Within a half, the copies are the examples that equal an earlier one, compared with the first
    such. Between the halves, they are the test examples that are in the training half too; the
    label is another one if none of their twins there has it.
    """
    rows = {f"within {half}": _copies(keys, y[half]) for half, keys in examples.items()}
    twins: dict[Hashable, set[int]] = {}
    for key, label in zip(examples["train"], y["train"].tolist(), strict=True):
        twins.setdefault(key, set()).add(label)
    found = [
        label not in twins[key]
        for key, label in zip(examples["test"], y["test"].tolist(), strict=True)
        if key in twins
    ]
    rows["test in train"] = (len(found), sum(found))
    columns = ["copies", "with another label"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _copies(keys: Sequence[Hashable], y: Labels) -> tuple[int, int]:
    first: dict[Hashable, int] = {}
    copies = conflicting = 0
    for key, label in zip(keys, y.tolist(), strict=True):
        if key in first:
            copies += 1
            conflicting += first[key] != label
        else:
            first[key] = label
    return copies, conflicting
