"""Reviews from a run's config to arrays, and back to words."""

import hashlib

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from src.config.run_config import RunConfig
from src.datasets import CATALOGUE, decode_reviews, load_test, load_texts, load_training
from src.datasets.formats.synthetic_reviews import SIZES
from src.datasets.formats.words import tokenise
from src.shared.errors import UserError


def config(**changes: object) -> RunConfig:
    return RunConfig.parse({"dataset": "synthetic_reviews", **changes})


def test_arrays_have_the_shape_and_vocabulary_of_the_config() -> None:
    run = config(vocabulary_size=30, sequence_length=12, val_fraction=0.25)
    data = load_training(run)
    spec, test = load_test(run)
    assert data.spec == spec
    assert (spec.shape, spec.vocabulary_size, spec.kind, spec.dtype) == (
        (12,),
        30,
        "reviews",
        "int32",
    )
    assert (spec.mean, spec.std) == ((), ())
    assert spec.class_names == ("negative", "positive")
    assert data.train.x.shape == (900, 12)
    assert data.validation.x.shape == (300, 12)
    assert test.x.shape == (400, 12)
    for split in (data.train, data.validation, test):
        assert (str(split.x.dtype), str(split.y.dtype)) == ("int32", "int32")
        assert split.x.min() == 0
        assert split.x.max() == 29
        padding = split.x == 0
        # Once padding has begun, it goes on to the row's end; no row is all padding.
        assert (padding[:, 1:] >= padding[:, :-1]).all()
        assert not padding[:, 0].any()


def test_rows_are_the_last_words_of_the_texts_with_their_labels() -> None:
    run = config(sequence_length=6)
    texts, y = load_texts("synthetic_reviews", "test")
    _, test = load_test(run)
    assert decode_reviews(run, test.x) == [" ".join(tokenise(text)[-6:]) for text in texts]
    assert test.y.tolist() == y.tolist()


def test_unknown_words_are_shown_as_such() -> None:
    run = config(vocabulary_size=3, sequence_length=60)
    (row,) = decode_reviews(run, load_test(run)[1].x[:1])
    assert set(row.split()) == {"it", "[?]"}


def test_texts_of_pictures_cannot_be_had() -> None:
    with pytest.raises(UserError, match="mnist holds no reviews; choose one of imdb, synthetic_r"):
        load_texts("mnist", "train")


def test_made_up_reviews_are_distinct_of_different_lengths_and_balanced() -> None:
    halves = [load_texts("synthetic_reviews", half) for half in ("train", "test")]
    texts = [text for half in halves for text in half.texts]
    assert len(set(texts)) == len(texts) == sum(SIZES.values())
    for half in halves:
        assert np.bincount(half.y).tolist() == [len(half.y) // 2] * 2
    lengths = [len(tokenise(text)) for text in texts]
    assert (min(lengths), max(lengths)) == (4, 39)
    assert len(set(lengths)) > 25
    assert load_texts("synthetic_reviews", "train").texts == halves[0].texts


def test_made_up_reviews_are_told_by_words_in_part_and_by_their_order_wholly() -> None:
    (train, y), (test, y_test) = (
        load_texts("synthetic_reviews", "train"),
        load_texts("synthetic_reviews", "test"),
    )

    def accuracy(longest: int) -> float:
        vectorizer = CountVectorizer(ngram_range=(1, longest))
        model = LogisticRegression(max_iter=300).fit(vectorizer.fit_transform(train), y)
        return float(model.score(vectorizer.transform(test), y_test))

    assert 0.65 < accuracy(1) < 0.85
    assert accuracy(2) > 0.97


@pytest.mark.real_data
def test_imdb_holds_the_official_reviews_in_their_order() -> None:
    """By a public MD5 of one of the official text files, the second by name in its folder."""
    train, y = load_texts("imdb", "train")
    assert hashlib.md5(train[1].encode()).hexdigest() == "d122bc3b46ac372847d610f6382318c7"
    assert y[1] == 0
    assert train[12_500].startswith("Bromwell High is a cartoon comedy.")
    test, _ = load_texts("imdb", "test")
    # The sizes of all texts together, as other catalogues of data sets have them.
    assert sum(len(text.encode()) for text in train) == 33_132_823
    assert sum(len(text.encode()) for text in test) == 32_350_685


@pytest.mark.real_data
def test_imdb_is_balanced_and_mostly_of_known_words() -> None:
    run = RunConfig.parse({"dataset": "imdb"})
    data = load_training(run)
    spec, test = load_test(run)
    assert data.train.x.shape == (22_500, 200)
    assert np.bincount(data.validation.y).tolist() == [1250, 1250]
    assert np.bincount(test.y).tolist() == [12_500, 12_500]
    assert len(test) == CATALOGUE["imdb"].test_size
    for split in (data.train, test):
        assert split.x.max() == spec.vocabulary_size - 1
        assert (split.x == 1).mean() < 0.06
    texts, _ = load_texts("imdb", "test")
    known = " ".join(tokenise(texts[0])[-200:]).split()
    shown = decode_reviews(run, test.x[:1])[0].split()
    assert all(word in (original, "[?]") for word, original in zip(shown, known, strict=True))
