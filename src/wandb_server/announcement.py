"""Which server serves a data folder, and where: for programs in a file, for people in words.

A folder has one server at a time, which holds its lock and writes its address to ``server.json``.
"""

import contextlib
import html
import json
import os
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from src.shared.errors import UserError
from src.shared.live_server import RECORD, announced_server, client_environment
from src.shared.tickets import login_link
from src.wandb_server.data_folder import usable, write_private


@contextlib.contextmanager
def only_server_of(data: Path) -> Iterator[None]:
    """Be the folder's one server while the context lasts.

    Raises:
        UserError: If it has one already, or its lock is not ours to take.
    """
    lock = FileLock(data / "lock", timeout=0)
    with usable(data):
        try:
            lock.acquire()
        except Timeout:
            server = announced_server(data)
            url = (server and server.url) or "an address that it has not announced yet"
            raise UserError(
                f"a server of {data} is already running at {url}; use that one"
            ) from None
    try:
        yield
    finally:
        lock.release()


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
    write_private(data / RECORD, json.dumps(record))
    print(_greeting(url, key, data, environment), flush=True)
    try:
        yield
    finally:
        (data / RECORD).unlink(missing_ok=True)


def show(url: str, key: str, data: Path) -> None:
    """Show the dashboard in a browser that it logs in, if there is a screen.

    The link has been printed anyway.

    Args:
        url: The server's address.
        key: Its API key.
        data: Its data folder.
    """
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in screens):
        # Every user can read the arguments of a browser's process, but not this file.
        page, link = data / "open.html", html.escape(login_link(url, key))
        write_private(page, f'<meta http-equiv="refresh" content="0; url={link}">\n')
        webbrowser.open(page.as_uri())
    else:
        print("There is no screen here; open the dashboard's address in a browser.", flush=True)


def _greeting(url: str, key: str, data: Path, environment: dict[str, str]) -> str:
    return "\n".join(
        [
            f"Embedded W&B server: {url}",
            f"Dashboard: {login_link(url, key)}",
            f"Data: {data}",
            "For wandb in another shell:",
            *(f"  export {name}={value}" for name, value in environment.items()),
            "Stop it with Ctrl-C.",
        ]
    )
