"""Which server serves a data folder, and where: for programs in a file, for people in words.

A folder has one server at a time, which holds its lock and writes its address to ``server.json``.
"""

import contextlib
import json
import os
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from src.shared.defaults import ENTITY, PROJECT
from src.shared.errors import UserError
from src.wandb_server.data_folder import usable, write_private


@contextlib.contextmanager
def only_server_of(data: Path) -> Iterator[None]:
    """Be the folder's one server while the context lasts.

    Raises:
        UserError: If it has one already, or its lock is not ours to take.
    """
    lock = _lock(data)
    if not _taken(lock, data):
        url = _announced_url(data) or "an address that it has not announced yet"
        raise UserError(f"a server of {data} is already running at {url}; use that one")
    try:
        yield
    finally:
        lock.release()


def running_at(data: Path) -> str | None:
    """Where the folder is being served; a server that was killed leaves its address, but no lock.

    Returns:
        The address, or None if no server runs or it has not announced itself yet.

    Raises:
        UserError: If its lock is not ours to take.
    """
    lock = _lock(data)
    if not _taken(lock, data):
        return _announced_url(data)
    lock.release()
    return None


@contextlib.contextmanager
def announced(url: str, data: Path, key: str) -> Iterator[None]:
    """Say where the server is while the context lasts.

    Args:
        url: The server's address.
        data: Its data folder.
        key: The API key that clients must send.
    """
    environment = client_environment(url, key)
    record = {"url": url, "pid": os.getpid(), "api_key": key, "environment": environment}
    write_private(_file(data), json.dumps(record))
    print(_greeting(url, data, environment), flush=True)
    try:
        yield
    finally:
        _file(data).unlink(missing_ok=True)


def client_environment(url: str, key: str) -> dict[str, str]:
    """The variables that point an unmodified wandb client here, and at nothing else."""
    return {
        "WANDB_BASE_URL": url,
        "WANDB_API_KEY": key,
        "WANDB_ENTITY": ENTITY,
        "WANDB_PROJECT": PROJECT,
        "WANDB_ERROR_REPORTING": "false",
        # The default of 15 seconds is too long for a short run to be stopped in time.
        "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "1",
    }


def show(url: str) -> None:
    """Show a page in a browser if there is a screen; the address has been printed anyway."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in screens):
        webbrowser.open(url)
    else:
        print(f"There is no screen here; open {url} in a browser.", flush=True)


def _lock(data: Path) -> FileLock:
    return FileLock(data / "lock", timeout=0)


def _taken(lock: FileLock, data: Path) -> bool:
    with usable(data):
        try:
            lock.acquire()
        except Timeout:
            return False
    return True


def _file(data: Path) -> Path:
    return data / "server.json"


def _announced_url(data: Path) -> str | None:
    try:
        return str(json.loads(_file(data).read_text())["url"])
    except (OSError, ValueError, KeyError):
        return None


def _greeting(url: str, data: Path, environment: dict[str, str]) -> str:
    return "\n".join(
        [
            f"Embedded W&B server: {url}",
            f"Data: {data}",
            "For wandb in another shell:",
            *(f"  export {name}={value}" for name, value in environment.items()),
            "Stop it with Ctrl-C.",
        ]
    )
