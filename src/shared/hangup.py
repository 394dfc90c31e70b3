"""A terminal that is lost, with an ssh connection say: the program ends as it was asked to.

What it prints from then on also goes to a log, and a terminal that is gone is no error.
"""

import contextlib
import errno
import io
import shlex
import signal
import sys
from datetime import datetime
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from src.shared.paths import LOGS
from src.shared.signals import Handler, do_nothing, heed

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Hangup:
    """What a program does when its terminal is lost.

    One that was started to outlive its terminal, by ``nohup`` say, goes on; what it prints is
    logged all the same.

    Args:
        name: What the program is called.
        end: The handler of the signal; it is called once, as shells send the signal again.

    Attributes:
        log: Where the rest of what it prints goes.
    """

    def __init__(self, name: str, end: Handler) -> None:
        self.log = LOGS / f"{name}-{datetime.now():%Y%m%d-%H%M%S}.log"
        self._end = end
        self._stream: io.FileIO | None = None
        sys.stdout, sys.stderr = self._lasting(sys.stdout), self._lasting(sys.stderr)
        heed(signal.SIGHUP, self._hung_up)

    @property
    def has_come(self) -> bool:
        """Whether the terminal is lost."""
        return self._stream is not None

    def write(self, data: "ReadableBuffer") -> None:
        """Write to the log, which is made with the first words."""
        with contextlib.suppress(OSError):  # nobody is left to be told
            if self._stream is None:
                self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._stream = self.log.open("ab", buffering=0)
                program = shlex.join(sys.orig_argv[1:])
                self._stream.write(f"{datetime.now():%F %T} no terminal: {program}\n".encode())
            self._stream.write(data)

    def _hung_up(self, signum: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGHUP, do_nothing)
        self.write(b"")
        self._end(signum, frame)

    def _lasting(self, stream: TextIO) -> TextIO:
        """A standard stream that survives its terminal; one that others have put there is kept."""
        own = stream in (sys.__stdout__, sys.__stderr__)
        if not own or not isinstance(stream, io.TextIOWrapper):
            return stream
        stream.flush()
        output = _Output(stream.fileno(), self)
        return io.TextIOWrapper(
            output if stream.write_through else io.BufferedWriter(output),
            encoding=stream.encoding,
            errors=stream.errors,
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )


class _Output(io.FileIO):
    """A file descriptor of a terminal that may go away."""

    def __init__(self, descriptor: int, hangup: Hangup) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._hangup = hangup

    def write(self, data: "ReadableBuffer") -> int:
        """Write to the terminal, and once that is lost to the log as well."""
        if not self._hangup.has_come:
            try:
                return super().write(data)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
        self._hangup.write(data)
        with contextlib.suppress(OSError):
            super().write(data)
        return memoryview(data).nbytes
