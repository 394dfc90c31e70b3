"""What is known of a database's health while it is served."""

import logging
import threading
from pathlib import Path

from src.wandb_server.store.backups import cure

_log = logging.getLogger(__name__)


class Health:
    """Whether the database can be trusted. Once it is known to be damaged, it stays so.

    Nothing is written to a damaged database: that could spoil what can still be read.

    Args:
        path: The database file.

    Attributes:
        damage: What is wrong with the file, and the cure; None while nothing is known to be.
        losses: How many single values and stored files cannot be read, of an otherwise good one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.damage: str | None = None
        self.losses = 0

    def damaged(self, what: str) -> str:
        """Note what is wrong with the file, and say it once in the log; returns the message."""
        with self._lock:
            first = self.damage is None
            if first:
                self.damage = (
                    f"{self._path} is damaged ({what}): what can be read is served, and nothing is "
                    "stored"
                )
        if first:  # the backups are looked through, for which nobody else waits
            self.damage = f"{self.damage}; {cure(self._path)}"
            _log.error("%s", self.damage)
        return str(self.damage)

    def lost(self, findings: list[str]) -> None:
        """Note which values and files cannot be read, and say it in the log."""
        self.losses = len(findings)
        if findings:
            _log.error(
                "%d values or files of %s cannot be read, the first: %s; all others are served, "
                "and python -m src.wandb_server check --data %s lists them",
                *(len(findings), self._path, findings[0], self._path.parent),
            )
