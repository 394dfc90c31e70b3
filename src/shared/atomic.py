"""Files that are there whole or not at all, whatever happens while they are written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.shared.errors import UserError


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Give a path to write to, and put what was written in the place of ``file`` in one go.

    Raises:
        UserError: If the system does not take it, the disk being full, say; ``file`` is as it was.
    """
    new = file.with_name("." + file.name)
    try:
        new.unlink(missing_ok=True)  # a killed process has left it, or a stranger has made it
        try:
            yield new
            put_in_place(new, file)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserError(
            f"{file} cannot be written ({error.strerror or error}); make room for it there"
        ) from None


def put_in_place(new: Path, file: Path) -> None:
    """Put a file that has been written in the place of another, on the same disk, in one go."""
    with new.open("rb") as stream:
        os.fsync(stream)  # or, after a power cut, the name might be there without the content
    new.replace(file)
