"""A clock of the time during which this server was at work.

A server that was stopped (Ctrl-Z, a suspended laptop, a frozen container), or that could not get on
(a disk that stalls, a machine that swaps), heard nobody. So its silence says nothing of its runs.
"""

import threading
from collections.abc import Callable

from src.wandb_server.clock import seconds

# The longest pause that the client makes between attempts to reach a server that is away.
CLIENT_BACKOFF = 60.0
# In intervals; a tick that is not later than that is the machine's being busy.
_LATE = 3.0


class RunningClock:
    """Seconds that the server has run, as far as its ticks say.

    A tick that comes more than ``_LATE`` intervals after the one before ends a gap. Nothing of a
    gap counts, and the clock goes back for as long as the gap was, at most by ``CLIENT_BACKOFF``:
    clients wait the longer between their attempts the longer the server has been away, and until
    then it cannot have heard them. The clock of a server that starts, which may have been away for
    any time, shows ``-CLIENT_BACKOFF``.

    Args:
        interval: Seconds between ticks.
        clock: Seconds that always go on.
    """

    def __init__(self, interval: float, clock: Callable[[], float] = seconds) -> None:
        self._latest = _LATE * interval
        self._clock = clock
        self._lock = threading.Lock()
        self._ran = -CLIENT_BACKOFF  # until the last tick
        self._ticked = clock()

    def tick(self) -> None:
        """The server is at work."""
        with self._lock:
            now = self._clock()
            since = now - self._ticked
            self._ran += since if since <= self._latest else -min(since, CLIENT_BACKOFF)
            self._ticked = now

    def __call__(self) -> float:
        """The seconds so far; once a tick is late, they stand still."""
        with self._lock:
            return self._ran + min(self._clock() - self._ticked, self._latest)
