"""The folder that keeps everything, and files in it that are secrets."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from src.shared.atomic import replacing
from src.shared.errors import UserError
from src.wandb_server.store.connection import files_of
from src.wandb_server.store.errors import UnusableStoreError
from src.wandb_server.store.versions import refuse_newer

DATABASE = "server.db"
SPACE_TO_START = 256 * 1024  # bytes, for the files that a server makes at once
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def prepare(data: Path) -> None:
    """Make the folder if it is missing, and see that a server may change it; nothing is changed.

    Raises:
        UserError: If it cannot be written, or was by a newer version of the program.
    """
    with usable(data):
        data.mkdir(parents=True, exist_ok=True)
        if not any(data.iterdir()):
            data.chmod(0o700)  # never a folder that others may be using
        if not os.access(data, os.W_OK | os.X_OK, effective_ids=True):
            read_only = os.statvfs(data).f_flag & os.ST_RDONLY
            code = errno.EROFS if read_only else errno.EACCES
            raise OSError(code, os.strerror(code))
        for changed_in_place in (data / "lock", *files_of(data / DATABASE)):
            with suppress(FileNotFoundError):
                os.close(os.open(changed_in_place, os.O_RDWR))
    try:
        refuse_newer(data / DATABASE)
    except UnusableStoreError as error:
        raise UserError(f"--data {data}: {error}; name another folder") from None


def check_space(data: Path) -> None:
    """See that there is room for what a server makes at once.

    Raises:
        UserError: If the folder's disk is full.
    """
    with usable(data), tempfile.TemporaryFile(dir=data) as probe:
        probe.write(bytes(SPACE_TO_START))


@contextmanager
def usable(data: Path) -> Iterator[None]:
    """Say what is wrong with the folder, or with a file in it, if the system refuses to work on it.

    Raises:
        UserError: If it does: its disk is full, or something in it is another user's, say.
    """
    try:
        yield
    except OSError as error:
        cure = (
            "make room on its disk"
            if error.errno in _FULL
            else "name a folder on a disk that can be written"
            if error.errno == errno.EROFS
            else "name a folder that you own"
        )
        raise UserError(f"--data {data}: {_told(error)}; {cure}") from None


def _told(error: OSError) -> str:
    """What the system has refused, and at which file."""
    what = error.strerror or str(error)
    return what if error.filename is None else f"{Path(os.fsdecode(error.filename)).name}: {what}"


def write_private(file: Path, text: str) -> None:
    """Write a file that its owner alone can read, and that is never seen half-written."""
    with replacing(file) as new:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
