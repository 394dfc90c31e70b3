"""Where raw files come from besides packages: the user's own hands and official addresses.

A source yields bytes; whether they are the right ones is for :meth:`RawFile.verify` to say.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from src.datasets.fetching.download import download
from src.datasets.fetching.raw_file import RawFile
from src.datasets.fetching.tarballs import Tarball


@dataclass(frozen=True)
class HandPlaced:
    """What the user, or an earlier download gone bad, left in the cache's folder itself.

    Attributes:
        folder: Of the cache.
        tarballs: Archives that are as welcome there as the raw files.
    """

    folder: Path
    tarballs: tuple[Tarball, ...] = ()

    def __str__(self) -> str:
        return str(self.folder)

    def read(self, files: Sequence[RawFile], scratch: Path) -> Iterator[tuple[RawFile, bytes]]:
        """See :class:`Source`; a file that is not there is no failure."""
        for file in files:
            for name in (f"{file.name}.gz", file.name):
                if (path := self.folder / name).exists():
                    yield file, path.read_bytes()
                    break
        for tarball in self.tarballs:
            if (path := self.folder / tarball.name).exists():
                yield from tarball.read(path, files)
                break


@dataclass(frozen=True)
class HttpFiles:
    """An address under which each file lies as ``NAME.gz``.

    Attributes:
        address: Ends with a slash.
    """

    address: str

    def __str__(self) -> str:
        return self.address

    def read(self, files: Sequence[RawFile], scratch: Path) -> Iterator[tuple[RawFile, bytes]]:
        """See :class:`Source`."""
        for file in files:
            content = io.BytesIO()
            download(f"{self.address}{file.name}.gz", content)
            yield file, content.getvalue()
