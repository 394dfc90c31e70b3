"""The logs of the processes that a sweep starts."""

import os
from pathlib import Path
from typing import BinaryIO

from src.shared.errors import UserError


def open_log(file: Path) -> BinaryIO:
    """Open a log to append to, in a folder that is made if need be, for its owner alone.

    Raises:
        UserError: If that cannot be done.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.fchmod(log, 0o600)  # the server's has its key
        return os.fdopen(log, "ab")
    except OSError as error:
        raise UserError(
            f"the log {file} cannot be opened ({error.strerror}); make its folder one that you own"
        ) from None
