"""The idx format of MNIST and of the data sets made in its image."""

import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from src.datasets.spec import Half, Split

_UNSIGNED_BYTE = 0x08
_PREFIX: dict[Half, str] = {"train": "train", "test": "t10k"}


def parse_idx(content: bytes) -> NDArray[np.uint8]:
    """Read an idx file of unsigned bytes.

    The header is two zero bytes, the element type, the number of dimensions and then each
    dimension as a big-endian uint32 (http://yann.lecun.com/exdb/mnist).

    Args:
        content: The whole file, uncompressed.

    Returns:
        A read-only view of ``content`` with the header's dimensions.

    Raises:
        ValueError: If this is not idx of unsigned bytes, or not as long as its header says.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _UNSIGNED_BYTE:
        raise ValueError(f"not an idx file of unsigned bytes: it begins with {content[:4].hex()!r}")
    header = 4 + 4 * content[3]
    if len(content) < header:
        raise ValueError(f"idx header cut off after {len(content)} of {header} bytes")
    shape = struct.unpack(f">{content[3]}I", content[4:header])
    values = np.frombuffer(content, np.uint8, offset=header)
    # Python's integers: the product of hostile dimensions would overflow NumPy's.
    if len(values) != (expected := int(np.prod(shape, dtype=object))):
        raise ValueError(
            f"idx of shape {shape} needs {expected} values, the file has {len(values)}"
        )
    return values.reshape(shape)


def decode_idx_images(half: Half, files: Mapping[str, bytes]) -> Split:
    """Images and labels of one half of an MNIST-like data set.

    Args:
        half: Which half.
        files: Uncompressed content by MNIST's file names, such as ``train-images-idx3-ubyte``.

    Returns:
        ``x`` of shape ``(n, height, width, 1)`` and ``y`` of shape ``(n,)``.

    Raises:
        ValueError: If a file is not idx or images and labels do not belong together.
    """
    images = parse_idx(files[f"{_PREFIX[half]}-images-idx3-ubyte"])
    labels = parse_idx(files[f"{_PREFIX[half]}-labels-idx1-ubyte"])
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise ValueError(f"images {images.shape} and labels {labels.shape} do not belong together")
    return Split(images[..., np.newaxis], labels.astype(np.int32))
