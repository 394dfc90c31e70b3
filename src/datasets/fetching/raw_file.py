"""A raw file and how it is known, and what a place to get such files from must offer."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_GZIP_MAGIC = b"\x1f\x8b"


class SourceError(Exception):
    """This source cannot give a file (the message says why); another one may."""


@dataclass(frozen=True)
class RawFile:
    """A file of a data set as it lies in the cache, uncompressed.

    Attributes:
        name: Its name in the cache.
        sha256: Of its uncompressed content.
        size: Of the same, in bytes.
    """

    name: str
    sha256: str
    size: int

    def verify(self, data: bytes, origin: str) -> bytes:
        """Uncompress ``data`` if it is gzip and compare its hash.

        Raises:
            SourceError: Naming the file, its origin, the hash expected and the hash found.
        """
        if data.startswith(_GZIP_MAGIC):
            try:
                # One byte more than it may hold: a wrong file cannot fill the memory.
                data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(self.size + 1)
            except (OSError, EOFError, zlib.error):
                raise SourceError(f"{self.name} from {origin} is damaged gzip") from None
        if (found := hashlib.sha256(data).hexdigest()) != self.sha256:
            raise SourceError(
                f"{self.name} from {origin} has the wrong content:"
                f" SHA-256 {found}, expected {self.sha256}"
            )
        return data


class Source(Protocol):
    """A place that has a data set's raw files. ``str()`` names it for the user."""

    def read(self, files: Sequence[RawFile], scratch: Path) -> Iterator[tuple[RawFile, bytes]]:
        """Yield each file with its content, gzip or not, not yet verified.

        Args:
            files: The ones wanted.
            scratch: An empty folder to work in; the caller removes it.

        Raises:
            SourceError: If the source cannot be reached or has not got a file.
        """


def check_sha256(path: Path, expected: str) -> None:
    """Compare the hash of an archive, before it is opened.

    Raises:
        SourceError: Naming the file, the hash expected and the hash found.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise SourceError(f"{path.name} has SHA-256 {found}, expected {expected}")
