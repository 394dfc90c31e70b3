import numpy as np
import pytest

from src.datasets import statistics
from src.datasets.formats.words import Corpus
from src.datasets.spec import Half


def labels(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def corpus(words: list[int], lengths: list[int]) -> Corpus:
    return Corpus(np.array(words, np.int32), np.cumsum(lengths), np.zeros(len(lengths), np.int32))


def test_classes_are_counted_and_shared_out_for_each_half() -> None:
    table = statistics.class_table(
        {"train": labels(0, 0, 0, 1), "test": labels(1, 1)}, ("no", "yes", "never")
    )
    assert table["train"].tolist() == [3, 1, 0]
    assert table["test share"].tolist() == [0, 1, 0]
    assert table.index.tolist() == ["no", "yes", "never"]


def test_pixel_statistics_are_those_of_numpy() -> None:
    x = np.random.default_rng(0).integers(7, 250, (50, 5, 4, 3)).astype(np.uint8)
    table = statistics.pixel_table({"train": x, "test": x[:10]})
    assert len(table) == 6
    least, greatest, mean, std = table.to_numpy()[2]
    channel = x[..., 2]
    assert (least, greatest) == (channel.min(), channel.max())
    assert mean == pytest.approx((channel / 255).mean())
    assert std == pytest.approx((channel / 255).std())


def test_lengths_truncation_and_coverage() -> None:
    corpora: dict[Half, Corpus] = {
        "train": corpus([2, 2, 3, 4, 5, 1], [1, 2, 3]),
        "test": corpus([1, 2], [2]),
    }
    lengths = statistics.length_table(corpora)
    assert lengths.T["train"].to_dict() == {"min": 1, "median": 2, "95 %": 2, "max": 3}
    longer = statistics.truncation_table(corpora, (1, 2, 3))
    assert longer["train"].tolist() == pytest.approx([2 / 3, 1 / 3, 0])
    assert longer["test"].tolist() == [1, 0, 0]
    known = statistics.coverage_table(corpora, (3, 5, 100))
    assert known["train"].tolist() == pytest.approx([2 / 6, 4 / 6, 5 / 6])
    assert known["test"].tolist() == [0.5, 0.5, 0.5]


def test_duplicates_within_and_between_the_halves_and_those_that_disagree() -> None:
    examples: dict[Half, str] = {"train": "aabbbc", "test": "abbxx"}
    y: dict[Half, np.ndarray] = {"train": labels(0, 0, 1, 0, 1, 0), "test": labels(1, 1, 0, 0, 1)}
    table = statistics.duplicate_table(examples, y)
    assert table.columns.tolist() == ["copies", "with another label"]
    assert {row: (copies, others) for row, copies, others in table.itertuples()} == {
        "within train": (3, 1),  # a, b, b; the second b is a 0
        "within test": (2, 2),  # b and x
        "test in train": (3, 1),  # the a is a 0 in train; the b is there with both labels
    }
