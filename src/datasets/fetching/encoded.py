"""Reviews as numbers, from the cache: numbering the words of IMDB takes a while."""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from src.datasets.catalogue import Reviews
from src.datasets.fetching.cache import (
    cache_faults,
    cache_folder,
    locked,
    raw_files,
    say,
    scratch_in,
    store,
)
from src.datasets.formats.words import TOKENISER, Corpus, EncodedReviews, encode

_ARRAYS = ("words", "ends", "y")


def encoded_reviews(dataset: Reviews) -> EncodedReviews:
    """Both halves of ``dataset`` as numbers, at full length and with the whole vocabulary.

    What each run cuts out of it, it cuts in memory, so one file in the cache serves every
    vocabulary size and sequence length. Its name carries all that it depends on: the raw files'
    hashes and the tokeniser. It is made again if it is damaged.

    Raises:
        UserError: As :func:`src.datasets.fetching.cache.raw_files`.
    """
    if not dataset.files:
        return _encode(dataset, {})
    folder = cache_folder(dataset)
    made_of = "\n".join((TOKENISER, *(file.sha256 for file in dataset.files)))
    path = folder / f"words-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}.npz"
    with cache_faults(folder):
        if encoded := _read(path, dataset):
            return encoded
        files = raw_files(dataset)
        with locked(folder, dataset.title):
            if encoded := _read(path, dataset):  # by now, another process may have been here
                return encoded
            say(f"{dataset.title}: numbering the words, this once")
            encoded = _encode(dataset, files)
            with scratch_in(folder) as scratch:
                store(path, _to_bytes(encoded), scratch)
            return encoded


def _encode(dataset: Reviews, files: Mapping[str, bytes]) -> EncodedReviews:
    return encode(dataset.decode("train", files), dataset.decode("test", files))


def _to_bytes(encoded: EncodedReviews) -> bytes:
    content = io.BytesIO()
    corpora = {"train": encoded.train, "test": encoded.test}
    arrays = {
        f"{half}_{name}": getattr(corpus, name)
        for half, corpus in corpora.items()
        for name in _ARRAYS
    }
    vocabulary = "\n".join(encoded.vocabulary).encode()
    np.savez(content, vocabulary=np.frombuffer(vocabulary, np.uint8), **arrays)
    return content.getvalue()


def _read(path: Path, dataset: Reviews) -> EncodedReviews | None:
    """What the file holds, or None if it is not there or damaged.

    A zip knows its checksums. One whose header is damaged may ask for a password, or for a
    compression that there is not: Python tells both by a RuntimeError, or a kind of it.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            vocabulary = tuple(stored["vocabulary"].tobytes().decode().split("\n"))
            train, test = (
                Corpus(*(stored[f"{half}_{name}"] for name in _ARRAYS))
                for half in ("train", "test")
            )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError):
        say(f"{dataset.title}: {path} is damaged")
        return None
    return EncodedReviews(vocabulary, train, test)
