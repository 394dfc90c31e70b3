"""Signals: handled or dropped, and told to the main thread, whichever thread they are given to."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

Handler = Callable[[int, FrameType | None], object]

_NUDGE = signal.SIGURG  # means nothing to anybody here, and does nothing where it is not handled


def heed(signum: int, handler: Handler) -> None:
    """Have a signal handled, unless whoever started this program has it ignored, as nohup does."""
    if signal.getsignal(signum) is not signal.SIG_IGN:
        signal.signal(signum, handler)


def do_nothing(signum: int, frame: FrameType | None) -> None:
    """Drop a signal; ``SIG_IGN`` would be inherited by children."""


def reach_main_thread() -> None:
    """Have every signal interrupt what the main thread waits for.

    Python's handlers run in the main thread. The system may give a signal to any other one, and
    then a main thread that waits for a lock, an event or a signal goes on waiting: a program with
    threads would never hear of it.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.signal(_NUDGE, do_nothing)
    # Whatever thread has the signal, its number is written here at once.
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    main = threading.main_thread().ident
    assert main is not None

    def nudge() -> None:
        while True:
            if set(os.read(reader, 4096)) - {_NUDGE}:
                signal.pthread_kill(main, _NUDGE)

    threading.Thread(target=nudge, daemon=True, name="signals").start()
