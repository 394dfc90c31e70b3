"""A disk that is full, in the log: once when it begins and once when it is over.

Every client tries again and again meanwhile; a line for each request would say nothing new.
"""

import logging
import threading
import time

# On a disk that is nearly full some writes still succeed between others that fail.
QUIET_SECONDS = 60.0

_log = logging.getLogger(__name__)


class StorageTrouble:
    """Whether data can be stored at the moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told = False
        self._told_at = -QUIET_SECONDS

    def begins(self, error: Exception) -> None:
        """A write has failed."""
        with self._lock:
            if self._told or time.monotonic() - self._told_at < QUIET_SECONDS:
                return
            self._told, self._told_at = True, time.monotonic()
        _log.error("the data cannot be stored: %s; clients will try again until it works", error)

    def over(self) -> None:
        """A write has succeeded."""
        with self._lock:
            if not self._told:
                return
            self._told = False
        _log.warning("the data can be stored again")
