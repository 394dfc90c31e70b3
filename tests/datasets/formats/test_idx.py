import numpy as np
import pytest

from src.datasets.formats.idx import decode_idx_images, parse_idx
from tests.datasets.local_sources import CONTENTS, idx


@pytest.mark.parametrize("shape", [(5,), (4, 3, 2), (0, 28, 28)])
def test_idx_gives_back_what_was_written(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    parsed = parse_idx(idx(values))
    assert parsed.dtype == np.uint8
    np.testing.assert_array_equal(parsed, values)


GOOD = idx(np.zeros((4, 3, 2), np.uint8))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not an idx file"),
        (b"\x1f\x8b" + GOOD[2:], "not an idx file"),
        (GOOD[:2] + b"\x0d" + GOOD[3:], "not an idx file"),  # floats
        (GOOD[:10], "header cut off"),
        (GOOD[:-1], "needs 24 values, the file has 23"),
        (GOOD + b"\0", "needs 24 values, the file has 25"),
        (GOOD[:4] + b"\xff" * 12 + GOOD[16:], "needs .* values"),
    ],
)
def test_what_is_not_idx_is_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_idx(content)


def test_each_half_is_decoded_from_its_own_files() -> None:
    train, test = decode_idx_images("train", CONTENTS), decode_idx_images("test", CONTENTS)
    assert train.x.shape == (60, 6, 6, 1)
    assert train.x.dtype == np.uint8
    assert (test.x.shape, test.y.shape) == ((20, 6, 6, 1), (20,))
    assert train.y.dtype == np.int32
    assert train.x.tobytes() == CONTENTS["train-images-idx3-ubyte"][16:]
    assert train.y.tolist() == [0, 1] * 30


def test_images_and_labels_of_different_lengths_are_refused() -> None:
    mixed = CONTENTS | {"train-labels-idx1-ubyte": CONTENTS["t10k-labels-idx1-ubyte"]}
    with pytest.raises(ValueError, match="do not belong together"):
        decode_idx_images("train", mixed)
