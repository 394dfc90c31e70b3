"""The binary form of CIFAR-10."""

from collections.abc import Mapping

import numpy as np

from src.datasets.spec import Half, Split

FILES: dict[Half, tuple[str, ...]] = {
    "train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    "test": ("test_batch.bin",),
}
SHAPE = (32, 32, 3)
CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_RECORD_BYTES = 1 + 32 * 32 * 3


def decode_cifar10(half: Half, files: Mapping[str, bytes]) -> Split:
    """Pictures and labels of one half.

    A record is a byte with the label and then the red, the green and the blue pixels, row by row
    (https://www.cs.toronto.edu/~kriz/cifar.html).

    Args:
        half: Which half.
        files: Content by CIFAR-10's file names, such as ``data_batch_1.bin``.

    Returns:
        ``x`` of shape ``(n, 32, 32, 3)`` and ``y`` of shape ``(n,)``.

    Raises:
        ValueError: If a file does not consist of such records.
    """
    for name in FILES[half]:
        if len(files[name]) % _RECORD_BYTES:
            raise ValueError(f"{name} is not a whole number of records of {_RECORD_BYTES} bytes")
    batches = [
        np.frombuffer(files[name], np.uint8).reshape(-1, _RECORD_BYTES) for name in FILES[half]
    ]
    x = np.empty((sum(map(len, batches)), *SHAPE), np.uint8)
    start = 0
    for batch in batches:  # one at a time: the whole in one go would be in memory once more
        planes = batch[:, 1:].reshape(-1, SHAPE[2], *SHAPE[:2])
        x[start : start + len(batch)] = planes.transpose(0, 2, 3, 1)
        start += len(batch)
    y = np.concatenate([batch[:, 0] for batch in batches]).astype(np.int32)
    return Split(x, y)
