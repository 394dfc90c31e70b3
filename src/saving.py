"""Files that are there whole or not at all, whatever happens while they are written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.errors import UserError


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Give a path to write to, and put what was written in the place of ``file`` in one go.

    Raises:
        UserError: if the system does not take it, the disk being full, say; ``file`` is as it was.
    """
    new = file.with_name("." + file.name)
    try:
        yield new
        with new.open("rb") as stream:
            os.fsync(stream)  # or, after a power cut, the name might be there without the content
        new.replace(file)
    except (OSError, RuntimeError) as error:  # h5py raises either when a file cannot be written
        new.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or str(error).strip().splitlines()[-1]
        raise UserError(f"{file} cannot be written ({reason}); make room for it there") from None
