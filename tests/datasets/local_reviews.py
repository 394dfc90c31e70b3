"""A tiny data set of reviews in the form of IMDB, for tests in one process and in several."""

import hashlib
import json
import sys

import numpy as np

from src.datasets.catalogue import Reviews
from src.datasets.fetching.encoded import encoded_reviews
from src.datasets.fetching.raw_file import RawFile, Source
from src.datasets.fetching.sources import HttpFiles
from src.datasets.formats import imdb
from src.datasets.spec import InputSpec
from src.shared.command import run_command

# In the order of the file: negative test and train, positive test and train.
TEXTS = (
    "Bad film.<br /><br />Bad ending!",
    "A film nobody needs",
    "Bad, bad film.",
    "The film is bad. Don't see it",
    "Good film, strangely good",
    "A wonderful thing",
    "Good film.",
    "The film is good: see it",
)
CONTENT = json.dumps(
    [{"t": text, "s": int(i >= 4)} for i, text in enumerate(TEXTS)],
    ensure_ascii=False,
    separators=(",", ":"),
).encode()
TRAIN, TEST = [2, 3, 6, 7], [0, 1, 4, 5]


def tiny_reviews(*sources: Source, content: bytes = CONTENT) -> Reviews:
    return Reviews(
        name="tiny_reviews",
        title="Tiny reviews",
        licence="none",
        spec=InputSpec((4,), ("negative", "positive"), (), (), vocabulary_size=10),
        train_size=4,
        test_size=4,
        files=(RawFile(imdb.FILE, hashlib.sha256(content).hexdigest(), len(content)),),
        sources=sources,
        decode=imdb.decode_reviews_json,
    )


def many_reviews(total: int = 8000) -> bytes:
    """The content of a file that takes a moment to number."""
    rng = np.random.default_rng(0)
    reviews = [
        {"t": " ".join(map("w{}".format, rng.integers(0, 5000, 60))), "s": int(i >= total // 2)}
        for i in range(total)
    ]
    return json.dumps(reviews).encode()


def main() -> None:
    """What the tests with several processes run: number what lies at an address."""
    encoded_reviews(tiny_reviews(HttpFiles(sys.argv[1]), content=many_reviews()))


if __name__ == "__main__":
    run_command(main)
