"""What is done for the data beside serving them: a whole check after the start, daily backups."""

import contextlib
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from src.wandb_server.data_folder import DATABASE
from src.wandb_server.store.backups import Why, back_up, is_due
from src.wandb_server.store.blobs import FILES
from src.wandb_server.store.checks import check
from src.wandb_server.store.errors import DamagedError
from src.wandb_server.store.health import Health

EVERY_SECONDS = 600.0  # how often to see whether a backup is due

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def cared_for(data: Path, health: Health) -> Iterator[None]:
    """Check a data folder and back it up, in a thread of its own, while the context lasts.

    Args:
        data: The folder.
        health: Told what is found.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_care, args=(data, health, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=5)


def _care(data: Path, health: Health, ended: threading.Event) -> None:
    report = check(data / DATABASE, data / FILES, ended.is_set)
    if report.structure:
        health.damaged(report.structure[0])
    elif not ended.is_set():
        health.lost(report.losses)
    # The backups of before the damage are not made way for others.
    while not health.damage and not ended.is_set():
        _back_up_if_due(data / DATABASE, health)
        ended.wait(EVERY_SECONDS)


def _back_up_if_due(database: Path, health: Health) -> None:
    try:
        if is_due(database, datetime.now(UTC)):
            back_up(database, Why.DAILY)
    except DamagedError as error:
        health.damaged(str(error))
    except Exception as error:  # nobody waits for this thread, and no backup would be made any more
        _log.warning("there is no backup of today: %s", error)
