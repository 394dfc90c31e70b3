"""What goes wrong for a while, in the log: once when it begins and once when it is over.

Every request may meet it meanwhile; a line for each would say nothing new.
"""

import logging
import threading
import time

# Between its beginning and its end it may be over for moments.
QUIET_SECONDS = 60.0

_log = logging.getLogger(__name__)


class Episode:
    """Whether something goes wrong at the moment.

    Args:
        begins: What is logged when it does; what :meth:`begins` is given is filled in.
        over: What is logged when it no longer does.
    """

    def __init__(self, begins: str, over: str) -> None:
        self._words = begins, over
        self._lock = threading.Lock()
        self._told = False
        self._told_at = -QUIET_SECONDS

    def begins(self, *values: object) -> None:
        """It has gone wrong."""
        with self._lock:
            if self._told or time.monotonic() - self._told_at < QUIET_SECONDS:
                return
            self._told, self._told_at = True, time.monotonic()
        _log.error(self._words[0], *values)

    def over(self) -> None:
        """It has not."""
        with self._lock:
            if not self._told:
                return
            self._told = False
        _log.warning(self._words[1])
