"""What a training needs to go on exactly where it was: one file a run, written after every epoch.

``training_state_<run id>.npz`` holds the arrays of the network and its optimizer as NumPy writes
them, without pickle, and as JSON all else: the run and its epochs so far. It ends with the SHA-256
of everything before, so a damaged file is never believed.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec
from src.shared.atomic import replacing
from src.shared.errors import UserError
from src.tracking.address import RunAddress
from src.tracking.metrics import EpochMetrics

_PREFIX, _SUFFIX = "training_state_", ".npz"
_INFO = "info"
_DIGEST_BYTES = 32


@dataclass(frozen=True)
class Progress:
    """How far a training has come.

    Attributes:
        epochs: Metrics of the epochs that are complete.
        arrays: The state after the last of them, as
            :class:`~src.training.epoch.EpochRunner` gives it.
    """

    epochs: tuple[EpochMetrics, ...] = ()
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def best(self) -> EpochMetrics | None:
        """The epoch with the best validation accuracy, the earliest of equals."""
        return max(self.epochs, key=lambda metrics: metrics.val_accuracy, default=None)


@dataclass(frozen=True)
class RunRecord:
    """What a run is, which stays the same from its first epoch to its last."""

    address: RunAddress
    config: RunConfig
    spec: InputSpec


@dataclass(frozen=True)
class _Info:
    """The JSON in a file."""

    format_version: Literal[1]
    run: RunRecord
    epochs: tuple[EpochMetrics, ...]
    best_epoch: int | None  # a part of format 1; here the epochs say it


class StateFile:
    """Where the training state of a run is.

    Args:
        folder: Where the run's models go.
        run_id: The run.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        self.run_id = run_id
        self.path = folder / f"{_PREFIX}{run_id}{_SUFFIX}"

    @classmethod
    def find(cls, run_id: str, models: Path) -> "StateFile":
        """The state of a run that did not come to its end.

        Args:
            run_id: The run.
            models: The folder to look in, with the folders of sweeps in it.

        Raises:
            UserError: If there is none; it says which runs there are.
        """
        files = [cls(f.parent, _run_id(f)) for f in sorted(models.rglob(f"{_PREFIX}*{_SUFFIX}"))]
        for file in files:
            if file.run_id == run_id:
                return file
        there = [file.run_id for file in files if not file.in_use()]
        cure = f"these can be resumed: {', '.join(there)}" if there else "none can be resumed now"
        raise UserError(f"there is no unfinished run {run_id!r} in {models}; {cure}")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only process that trains this run. The system lets go of it when one dies.

        Raises:
            UserError: If another process does.
        """
        lock = self._lock()
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"run {self.run_id} is being trained by another process; wait for its end"
            ) from None
        except OSError as error:
            raise UserError(f"{lock.lock_file} cannot be made ({error.strerror})") from None
        try:
            yield
        finally:
            if not self.exists():
                Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()

    def in_use(self) -> bool:
        """Whether a process is training the run."""
        try:
            with self._lock().acquire(timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # a folder that cannot be written to: nobody trains in it
            return False

    def exists(self) -> bool:
        """Whether the run has been begun and not come to its end."""
        return self.path.exists()

    def save(self, run: RunRecord, progress: Progress) -> None:
        """Replace what was saved before.

        Raises:
            UserError: If it cannot be written; what was saved before is still there.
        """
        best = progress.best
        info = _Info(1, run, progress.epochs, best.epoch if best else None)
        text = np.frombuffer(_schema().dump_json(info), np.uint8)
        with replacing(self.path) as new, new.open("w+b") as stream:
            np.savez(stream, allow_pickle=False, **{_INFO: text}, **progress.arrays)
            stream.seek(0)
            digest = hashlib.file_digest(stream, "sha256").digest()
            stream.seek(0, io.SEEK_END)
            stream.write(digest)

    def load(self) -> tuple[RunRecord, Progress]:
        """Read what was saved last.

        Raises:
            UserError: If the file is damaged, of another version, or that of another run.
        """
        content = memoryview(self._read())
        content, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
        if hashlib.sha256(content).digest() != digest:
            raise UserError(f"{self.path} is damaged; delete it and train the run again")
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        info = self._parse(arrays.pop(_INFO).tobytes())
        if (run_id := info.run.address.run_id) != self.run_id:
            raise UserError(f"{self.path} is the state of run {run_id}; name the file after it")
        return info.run, Progress(info.epochs, arrays)

    def remove(self) -> None:
        """The run has come to its end."""
        self.path.unlink(missing_ok=True)
        Path(self._lock().lock_file).unlink(missing_ok=True)

    def _lock(self) -> FileLock:
        return FileLock(self.path.with_name(f".{self.path.name}.lock"))

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise UserError(
                f"{self.path} cannot be read ({error.strerror}); mend that or train the run again"
            ) from None

    def _parse(self, text: bytes) -> _Info:
        try:
            return _schema().validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        except UserError as error:
            reason = str(error)
        raise UserError(
            f"{self.path} is not from this version of Gradsweep ({reason}); "
            "resume it with the one that wrote it, or delete it"
        )


def _schema() -> TypeAdapter[_Info]:
    # Made when used: a RunConfig may have got more fields since this module was imported.
    return TypeAdapter(_Info)


def _run_id(path: Path) -> str:
    return path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
