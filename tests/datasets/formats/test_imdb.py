import io
import json
import random
import tarfile

import pytest

from src.datasets.formats.imdb import FILE, decode_reviews_json, join_reviews
from tests.datasets.local_archives import tar_gz
from tests.datasets.local_reviews import CONTENT, TEST, TEXTS, TRAIN

# Two reviews a folder; the files' names sort as text, not as numbers.
NAMES = ("0_2.txt", "10000_4.txt")
FOLDERS = ("test/neg", "train/neg", "test/pos", "train/pos")
OFFICIAL = {
    f"aclImdb/{folder}/{name}": TEXTS[2 * i + k].encode()
    for i, folder in enumerate(FOLDERS)
    for k, name in enumerate(NAMES)
}
OTHERS = {
    "aclImdb/README": b"Large Movie Review Dataset",
    "aclImdb/train/unsup/0_0.txt": b"without a label",
    "aclImdb/train/labeledBow.feat": b"9 0:9",
}


def opened(members: dict[str, bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(tar_gz(members)), mode="r|gz")


@pytest.mark.parametrize("prefix", ["", "./"])
def test_official_text_files_are_joined_to_the_file_of_the_package(prefix: str) -> None:
    members = [(prefix + name, content) for name, content in (OFFICIAL | OTHERS).items()]
    random.Random(0).shuffle(members)
    assert dict(join_reviews(opened(dict(members)))) == {FILE: CONTENT}


def test_characters_beyond_ascii_are_kept() -> None:
    text = 'Amélie \x96 a "film" with a \\ and a \t'
    ((_, joined),) = join_reviews(opened({"aclImdb/test/neg/0_1.txt": text.encode()}))
    assert json.loads(joined) == [{"t": text, "s": 0}]
    assert "Amélie".encode() in joined


def test_halves_are_taken_by_place() -> None:
    for half, places in (("train", TRAIN), ("test", TEST)):
        texts, y = decode_reviews_json(half, {FILE: CONTENT})  # type: ignore[arg-type]
        assert texts == [TEXTS[i] for i in places]
        assert y.tolist() == [0, 0, 1, 1]
        assert y.dtype == "int32"


@pytest.mark.parametrize("sentiments", [(1, 0, 1, 0), (0, 0, 1, 1, 1), (1, 1, 0, 0)])
def test_another_order_is_refused(sentiments: tuple[int, ...]) -> None:
    content = json.dumps([{"t": "", "s": s} for s in sentiments]).encode()
    with pytest.raises(ValueError, match="as many negative as then positive"):
        decode_reviews_json("train", {FILE: content})
