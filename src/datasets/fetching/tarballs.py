"""Archives that hold a data set's raw files and are themselves known by their hash."""

import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from src.datasets.fetching.download import download
from src.datasets.fetching.raw_file import RawFile, SourceError, check_sha256

Unpack = Callable[[tarfile.TarFile], Iterator[tuple[str, bytes]]]


@dataclass(frozen=True)
class Tarball:
    """A ``.tar.gz``, wherever it comes from.

    Attributes:
        name: Of the file.
        sha256: Of the archive as it is, compressed.
        size: Of the same, in bytes.
        unpack: Makes the raw files, name and content, out of the archive open for reading once
            from beginning to end.
    """

    name: str
    sha256: str
    size: int
    unpack: Unpack

    def read(self, path: Path, files: Sequence[RawFile]) -> Iterator[tuple[RawFile, bytes]]:
        """Yield those of ``files`` that the archive at ``path`` holds.

        Raises:
            SourceError: If it is not this archive, or lacks a file.
        """
        check_sha256(path, self.sha256)
        wanted = {file.name: file for file in files}
        with tarfile.open(path, "r|gz") as archive:
            for name, content in self.unpack(archive):
                if name in wanted:
                    yield wanted.pop(name), content
        if wanted:
            raise SourceError(f"{path.name} lacks {', '.join(wanted)}")


@dataclass(frozen=True)
class HttpTarball:
    """An address that offers the files as one archive.

    Attributes:
        folder: The address without the archive's name; ends with a slash.
        tarball: What is there.
    """

    folder: str
    tarball: Tarball

    def __str__(self) -> str:
        return f"{self.folder}{self.tarball.name} ({self.tarball.size / 1e6:.0f} MB)"

    def read(self, files: Sequence[RawFile], scratch: Path) -> Iterator[tuple[RawFile, bytes]]:
        """See :class:`Source`."""
        path = scratch / self.tarball.name
        with path.open("wb") as output:
            download(f"{self.folder}{self.tarball.name}", output)
        yield from self.tarball.read(path, files)


def members_of(folder: str) -> Unpack:
    """For an archive that holds the raw files as they are, in ``folder``."""

    def unpack(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
        for member in archive:
            parent, _, name = member.name.removeprefix("./").rpartition("/")
            if parent == folder and (file := archive.extractfile(member)):
                yield name, file.read()

    return unpack
