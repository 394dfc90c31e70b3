"""Serving a data folder at a port until a signal, or the end of standard input, says stop."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from src.shared.defaults import HOST
from src.shared.errors import UserError
from src.wandb_server.announcement import announced, show
from src.wandb_server.api.graphql import MissingFields
from src.wandb_server.context import Server
from src.wandb_server.data_folder import DATABASE, usable
from src.wandb_server.http.app import create_app
from src.wandb_server.http.caretaker import cared_for
from src.wandb_server.http.connections import (
    BATCH,
    KEEP_ALIVE_SECONDS,
    QUEUE,
    Connection,
    Connections,
    room_for_connections,
)
from src.wandb_server.http.episodes import Episode
from src.wandb_server.http.security import load_api_key
from src.wandb_server.http.storage_trouble import StorageTrouble
from src.wandb_server.scheduling.liveness import Liveness
from src.wandb_server.scheduling.running_clock import RunningClock
from src.wandb_server.scheduling.scheduler import Scheduler
from src.wandb_server.store import Store
from src.wandb_server.store.backups import cure
from src.wandb_server.store.blobs import FILES, BlobStorage
from src.wandb_server.store.errors import DamagedError, NotStoredError, UnusableStoreError


def serve(
    data: Path,
    listener: socket.socket,
    crash_after: float,
    *,
    show_page: bool,
    until_stdin_ends: bool,
    public_pages: bool,
) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP.

    Args:
        data: The folder that keeps everything.
        listener: Where to listen.
        crash_after: Seconds of silence of a run and its agent until the run is crashed.
        show_page: Whether to show the dashboard in a browser.
        until_stdin_ends: Whether to stop when standard input is closed, too.
        public_pages: Whether pages may be read without a login.

    Raises:
        UserError: If the folder's data cannot be opened.
    """
    port = listener.getsockname()[1]
    app = _application(data, port, crash_after, show_page, public_pages)
    asyncio.run(_answer(app, listener, until_stdin_ends))


def listen(port: int) -> socket.socket:
    """Listen at a port of the loopback; 0 takes any free one.

    Raises:
        UserError: If it is taken.
    """
    # With its protocol named, asyncio sends small replies at once (TCP_NODELAY).
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # A server that was killed can be started again at once on its old port.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise UserError(
            f"--port {port}: {error}; choose another one, or any free one with --port 0"
        ) from None
    listener.listen(128)
    return listener


def listen_at(descriptor: int) -> socket.socket:
    """Listen at a socket that the process has been started with.

    Raises:
        UserError: If there is none, or others than this machine reach it.
    """
    try:
        listener = socket.socket(fileno=descriptor)
        address = listener.getsockname()
    except (OSError, OverflowError) as error:
        raise UserError(f"--fd {descriptor}: {error}; pass a socket that listens") from None
    if listener.family is not socket.AF_INET or address[0] != HOST:
        raise UserError(f"--fd {descriptor}: {address} is not a port of {HOST}; bind it there")
    return listener


def _application(
    data: Path, port: int, crash_after: float, show_page: bool, public_pages: bool
) -> Starlette:
    """The application; it watches over its runs and is announced while it is being served."""
    key_file, url = data / "api_key", f"http://{HOST}:{port}"
    key = load_api_key(key_file)
    server = server_of(data, key, crash_after)
    trouble = StorageTrouble()

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        with announced(url, data, key), cared_for(data, server.store.health):
            watcher = asyncio.create_task(_watch(server, trouble))
            if show_page:
                threading.Thread(target=show, args=(url, key, data), daemon=True).start()
            try:
                yield
            finally:
                watcher.cancel()

    missing = MissingFields(data / "missing_fields.jsonl")
    return create_app(
        server,
        missing,
        trouble,
        key,
        port,
        key_file,
        public_pages=public_pages,
        lifespan=lifespan,
    )


def server_of(data: Path, key: str, crash_after: float) -> Server:
    """The parts that serve a folder.

    Raises:
        UserError: If its data are damaged, of a newer version, or not ours to change.
    """
    database = data / DATABASE
    try:
        store = Store(database)
    except DamagedError as error:
        raise UserError(f"{database} cannot be served: {error}; {cure(database)}") from None
    except UnusableStoreError as error:
        raise UserError(f"--data {data}: {error}; name another folder") from None
    with usable(data):
        blobs = BlobStorage(data / FILES, key)
        blobs.remove_leftovers()
    liveness = Liveness(RunningClock(_watch_interval(crash_after)), crash_after)
    return Server(store, blobs, liveness, Scheduler(store, liveness), key_name=key[:8])


def _watch_interval(crash_after: float) -> float:
    return min(1.0, crash_after / 5)


async def _watch(server: Server, trouble: StorageTrouble) -> None:
    failing = Episode(
        "runs that fall silent are not noticed: %r; the server goes on and tries again",
        "runs that fall silent are noticed again",
    )
    while True:
        await asyncio.sleep(_watch_interval(server.liveness.crash_after))
        try:
            await asyncio.to_thread(server.scheduler.crash_silent_runs)
        except DamagedError:
            pass  # it has been said, and clients are told
        except NotStoredError as error:  # a full disk, perhaps: it may have space again
            trouble.begins(error)
        except Exception as error:  # nobody waits for this task, and no run would crash any more
            failing.begins(error)
        else:
            failing.over()


class _Web(uvicorn.Server):
    """uvicorn, but for two things that its settings do not reach."""

    def capture_signals(self) -> contextlib.nullcontext[None]:  # type: ignore[override]
        """Leave the signals to us: it would raise them again, and the exit code is to be 0."""
        return contextlib.nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Let more connections wait than are accepted at a time, which asyncio has as one."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(QUEUE)


async def _answer(app: Starlette, listener: socket.socket, until_stdin_ends: bool) -> None:
    connections = Connections(room_for_connections())
    config = uvicorn.Config(
        app,
        http=partial(Connection, connections),  # type: ignore[arg-type]
        log_level="error",  # whoever connects can cause any number of warnings
        ws="none",
        access_log=False,
        backlog=BATCH,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        server_header=False,
        proxy_headers=False,  # whoever connects could say that it is somebody else
    )
    web = _Web(config)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        web.should_exit = True

    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop)
    if until_stdin_ends:
        # Whoever holds it may have lost the terminal, but needs the server to end tidily.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        threading.Thread(target=_stop_at_eof, args=(stop, loop), daemon=True).start()
    elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        loop.add_signal_handler(signal.SIGHUP, stop)
    await web.serve(sockets=[listener])


def _stop_at_eof(stop: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
    # Not through sys.stdin: a thread inside its lock would abort the interpreter's shutdown.
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop)
