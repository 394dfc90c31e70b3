"""A terminal that a program is started in, and that can be lost as an ssh connection is."""

import contextlib
import fcntl
import os
import pty
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path


class Terminal:
    """A program in a terminal of its own.

    Args:
        command: The program.
        folder: Where it runs.
        environment: Its environment.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._master, slave = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._lost = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def lose(self) -> None:
        """Close it: the program is sent SIGHUP, and whatever it writes is refused."""
        self._lost.set()
        self._reader.join()
        os.close(self._master)

    def _read(self) -> None:
        os.set_blocking(self._master, False)
        while not self._lost.wait(0.02):
            with contextlib.suppress(OSError):
                self.shown += os.read(self._master, 65536).decode(errors="replace")
