import numpy as np
import pytest

from src.datasets.formats.cifar import FILES, decode_cifar10

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (24, 32, 32, 3)).astype(np.uint8)
LABELS = RNG.integers(0, 10, 24).astype(np.uint8)
ORDER = (*FILES["train"], *FILES["test"])


def records(pictures: np.ndarray, labels: np.ndarray) -> bytes:
    """As the format's description has it: a label, then 1024 red, green and blue bytes."""
    return b"".join(
        bytes([label]) + b"".join(picture[..., channel].tobytes() for channel in range(3))
        for picture, label in zip(pictures, labels, strict=True)
    )


CONTENTS = {
    name: records(PICTURES[4 * i : 4 * i + 4], LABELS[4 * i : 4 * i + 4])
    for i, name in enumerate(ORDER)
}


def test_each_half_is_decoded_from_its_own_files_in_order() -> None:
    train, test = decode_cifar10("train", CONTENTS), decode_cifar10("test", CONTENTS)
    np.testing.assert_array_equal(train.x, PICTURES[:20])
    np.testing.assert_array_equal(train.y, LABELS[:20])
    np.testing.assert_array_equal(test.x, PICTURES[20:])
    np.testing.assert_array_equal(test.y, LABELS[20:])
    assert (str(train.x.dtype), str(train.y.dtype)) == ("uint8", "int32")
    assert train.x.flags.c_contiguous


def test_a_file_that_does_not_consist_of_records_is_refused() -> None:
    with pytest.raises(ValueError, match=r"data_batch_3.bin is not a whole number of records"):
        decode_cifar10("train", CONTENTS | {"data_batch_3.bin": b"\0" * 5000})
