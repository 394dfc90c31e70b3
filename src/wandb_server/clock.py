"""The time, by clocks that nobody sets while the server runs.

The system's wall clock is read once, when the server starts, and only says what is shown and stored
as dates. From then on time goes on by a clock that jumps neither way, whoever corrects the other.
"""

import time
from datetime import UTC, datetime, timedelta

# Seconds that go on while a machine is suspended: of Linux's clocks this one does. On macOS and the
# BSDs, which have no such name, the monotonic clock of the system does.
_SUSPENDED_TOO: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def seconds() -> float:
    """Seconds since some moment, by a clock that nobody sets and that suspending does not stop."""
    return time.clock_gettime(_SUSPENDED_TOO)


_STARTED, _STARTED_AT = seconds(), datetime.now(UTC)


def utc_now() -> datetime:
    """The date and time: when the server started, and the seconds since then."""
    return _STARTED_AT + timedelta(seconds=seconds() - _STARTED)
