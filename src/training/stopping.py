"""A request to end a run gracefully, made by a signal or by an agent, seen by the trainer."""

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from src.shared.hangup import Hangup
from src.tracking.metrics import EpochMetrics


class StopRequest:
    """Whether a run should end; once it should, that stands.

    Args:
        on_epoch: Given each epoch that has been logged: it may be what the run is stopped for.

    Attributes:
        interrupted: The person at the keyboard, not a scheduler, ended the run: its
            configuration has not been judged and may be tried again.
    """

    def __init__(self, on_epoch: Callable[[EpochMetrics], None] = lambda _: None) -> None:
        self.on_epoch = on_epoch
        self._event = threading.Event()
        self.interrupted = False

    def __call__(self) -> bool:
        """Whether the run should end."""
        return self._event.is_set()

    def request(self, *, interrupted: bool = False) -> None:
        """Ask the run to end after the steps that are now under way."""
        self.interrupted = self.interrupted or interrupted
        self._event.set()

    def listen_to_signals(self) -> None:
        """SIGTERM, as W&B's agents send it, stops the run; Ctrl-C and a hangup interrupt it."""
        signal.signal(signal.SIGTERM, lambda *_: self.request())
        signal.signal(signal.SIGINT, self._on_interrupt)
        Hangup("train", lambda *_: self.request(interrupted=True))

    def _on_interrupt(self, signum: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.request(interrupted=True)
        print("\nending the run; Ctrl-C again to drop it", file=sys.stderr)
