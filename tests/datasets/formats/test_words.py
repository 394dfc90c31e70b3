import numpy as np
import pytest

from src.datasets.formats.words import Corpus, decode, encode, tokenise
from src.datasets.spec import Texts

LABELS = np.zeros(2, np.int32)


def encoded(train: list[str], test: list[str]) -> tuple[tuple[str, ...], Corpus, Corpus]:
    result = encode(
        Texts(train, np.zeros(len(train), np.int32)), Texts(test, np.zeros(len(test), np.int32))
    )
    return result.vocabulary, result.train, result.test


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's GOOD, isn't it?", ["it's", "good", "isn't", "it"]),
        ("end.<br /><br />Start", ["end", "start"]),
        ("well-made 7/10 'quoted' rock 'n' roll", ["well", "made", "7", "10", "quoted"]),
        ("Amélie’s café", ["amélie’s", "café"]),
        ("I saw a_b", ["i", "saw", "a", "b"]),
        ("... !!! \x96", []),
        ("", []),
    ],
)
def test_words_are_in_lower_case_without_punctuation_and_line_breaks(
    text: str, words: list[str]
) -> None:
    assert tokenise(text)[: len(words) or None] == words


def test_most_frequent_words_come_first_and_ties_in_order_of_their_characters() -> None:
    vocabulary, train, _ = encoded(["b a c", "c d a c"], [])
    assert vocabulary == ("c", "a", "b", "d")
    assert train.words.tolist() == [4, 3, 2, 2, 5, 3, 2]
    assert train.ends.tolist() == [3, 7]


def test_the_vocabulary_knows_nothing_of_the_test_half() -> None:
    """However frequent a word is there: it is unknown."""
    vocabulary, train, test = encoded(["a b", "a"], ["new new b a new"])
    assert vocabulary == ("a", "b")
    assert test.words.tolist() == [1, 1, 3, 2, 1]
    again, train_again, _ = encoded(["a b", "a"], ["b b b b"])
    assert again == vocabulary
    assert train_again.words.tolist() == train.words.tolist()


def test_rows_are_padded_at_the_end_and_of_a_longer_review_the_last_words_are_kept() -> None:
    corpus = Corpus(np.arange(2, 11, dtype=np.int32), np.array([2, 2, 9]), np.zeros(3, np.int32))
    rows = corpus.rows(vocabulary_size=100, sequence_length=4)
    assert rows.tolist() == [[2, 3, 0, 0], [1, 0, 0, 0], [7, 8, 9, 10]]
    assert rows.dtype == np.int32


def test_numbers_beyond_the_vocabulary_become_unknown() -> None:
    corpus = Corpus(np.arange(2, 8, dtype=np.int32), np.array([6]), np.zeros(1, np.int32))
    assert corpus.rows(4, 6).tolist() == [[2, 3, 1, 1, 1, 1]]
    assert corpus.rows(3, 1).tolist() == [[1]]


def test_rows_agree_with_a_plain_loop_over_random_reviews() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 30, 200)
    words = rng.integers(1, 500, lengths.sum()).astype(np.int32)
    corpus = Corpus(words, np.cumsum(lengths), np.zeros(200, np.int32))
    rows = corpus.rows(vocabulary_size=300, sequence_length=12)
    assert corpus.lengths.tolist() == lengths.tolist()
    for row, review in zip(rows, np.split(words, np.cumsum(lengths)[:-1]), strict=True):
        expected = [int(word) if word < 300 else 1 for word in review[-12:]] or [1]
        assert row.tolist() == expected + [0] * (12 - len(expected))


def test_decoding_gives_back_the_words_that_are_known() -> None:
    vocabulary, train, test = encoded(["good film", "a good film"], ["a bad film", "?!"])
    assert decode(train.rows(10, 5), vocabulary) == ["good film", "a good film"]
    assert decode(train.rows(4, 5), vocabulary) == ["good film", "[?] good film"]
    assert decode(test.rows(10, 5), vocabulary) == ["a [?] film", "[?]"]
