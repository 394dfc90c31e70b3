"""The IMDB reviews (Maas et al. 2011): one JSON file, whichever archive they came in.

The npm package holds them as one JSON list, negative reviews before positive ones and in each of
these the test half before the training half. Its texts are those of the official archive in the
order of the official file names, so that the archive's text files can be joined to the same bytes;
that they are the same bytes, the hash of the raw file tells.
"""

import json
import tarfile
from collections.abc import Iterator, Mapping

import numpy as np

from src.datasets.spec import Half, Texts

FILE = "reviews.json"
CLASS_NAMES = ("negative", "positive")
_FOLDERS = ("aclImdb/test/neg", "aclImdb/train/neg", "aclImdb/test/pos", "aclImdb/train/pos")


def join_reviews(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    """Make the JSON file out of the official archive's text files."""
    texts: dict[str, dict[str, str]] = {folder: {} for folder in _FOLDERS}
    for member in archive:
        folder, _, name = member.name.removeprefix("./").rpartition("/")
        if folder in texts and (file := archive.extractfile(member)):
            texts[folder][name] = file.read().decode()
    reviews = [
        {"t": text, "s": int(folder.endswith("pos"))}
        for folder in _FOLDERS
        for _, text in sorted(texts[folder].items())
    ]
    yield FILE, json.dumps(reviews, ensure_ascii=False, separators=(",", ":")).encode()


def decode_reviews_json(half: Half, files: Mapping[str, bytes]) -> Texts:
    """Texts and labels of one half: label 0 is negative, 1 is positive.

    Args:
        half: Which half.
        files: The content of ``reviews.json`` by that name.

    Raises:
        ValueError: If the file does not hold a negative and a positive part of two equal halves.
    """
    reviews = json.loads(files[FILE])
    quarter, rest = divmod(len(reviews), 4)
    sentiments = np.array([review["s"] for review in reviews], np.int32)
    if rest or (sentiments != np.repeat([0, 1], 2 * quarter)).any():
        raise ValueError(f"{FILE} does not hold as many negative as then positive reviews")
    first = quarter if half == "train" else 0
    chosen = [*range(first, first + quarter), *range(first + 2 * quarter, first + 3 * quarter)]
    return Texts([reviews[i]["t"] for i in chosen], sentiments[chosen])
