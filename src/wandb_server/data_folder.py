"""The folder that keeps everything, and files in it that are secrets."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.shared.atomic import replacing
from src.shared.errors import UserError

SPACE_TO_START = 256 * 1024  # bytes, for the files that a server makes at once
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def prepare(data: Path) -> None:
    """Make the folder if it is missing, and see that a server can start in it.

    Raises:
        UserError: If it cannot be written, or its disk is full.
    """
    with usable(data):
        data.mkdir(parents=True, exist_ok=True)
        if not any(data.iterdir()):
            data.chmod(0o700)  # never a folder that others may be using
        with tempfile.TemporaryFile(dir=data) as probe:
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
        cure = "make room on its disk" if error.errno in _FULL else "name a folder that you own"
        raise UserError(f"--data {data}: {error.strerror or error}; {cure}") from None


def write_private(file: Path, text: str) -> None:
    """Write a file that its owner alone can read, and that is never seen half-written."""
    with replacing(file) as new:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
