"""Serve the embedded W&B server: ``python -m src.wandb_server``."""

import argparse
import asyncio
import contextlib
import errno
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from src.shared.command import Parser, run_command
from src.shared.defaults import ENTITY, PORT, PROJECT
from src.shared.errors import UserError
from src.shared.paths import SERVER_DATA

HOST = "127.0.0.1"
SPACE_TO_START = 256 * 1024  # bytes, for the files that it makes at once
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _arguments() -> argparse.Namespace:
    parser = Parser(
        prog="python -m src.wandb_server",
        description="A W&B-compatible server for sweeps on one machine, with no account.",
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help="0 takes any free port (%(default)s)"
    )
    parser.add_argument(
        "--data", type=Path, default=SERVER_DATA, help="folder that keeps everything (%(default)s)"
    )
    parser.add_argument(
        "--crash_after",
        type=float,
        default=30.0,
        help="seconds of silence of a run and its agent until the run is crashed (%(default)s)",
    )
    parser.add_argument("--open", action="store_true", help="show the dashboard in a browser")
    parser.add_argument(
        "--exit_with_stdin", action="store_true", help="end when standard input is closed"
    )
    given: argparse.Namespace = parser.parse_args()
    return given


def main() -> int:
    """Serve until SIGINT or SIGTERM."""
    args = _arguments()
    os.umask(0o077)  # whatever is written is for its owner alone
    data: Path = args.data.resolve()
    try:
        data.mkdir(parents=True, exist_ok=True)
        if not any(data.iterdir()):
            data.chmod(0o700)  # never a folder that others may be using
        with tempfile.TemporaryFile(dir=data) as probe:
            probe.write(bytes(SPACE_TO_START))
    except OSError as error:
        cure = "make room on its disk" if error.errno in FULL else "name a folder that you own"
        raise UserError(f"--data {data}: {error.strerror}; {cure}") from None
    if args.open and (running := _address_of_server(data)):
        print(f"A server of {data} is already running at {running}")
        _open(running)
        return 0
    with _only_server_of(data), _listen(args.port) as listener:
        asyncio.run(_serve(listener, data, args))
    return 0


@contextlib.contextmanager
def _only_server_of(data: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(data / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        url = _announced(data) or "an address that it has not announced yet"
        raise UserError(f"a server of {data} is already running at {url}; use that one") from None
    try:
        yield
    finally:
        lock.release()


def _announced(data: Path) -> str | None:
    try:
        return str(json.loads((data / "server.json").read_text())["url"])
    except (OSError, ValueError, KeyError):
        return None


def _address_of_server(data: Path) -> str | None:
    """Where the data is being served already; a server that was killed leaves its address too."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(data / "lock", timeout=0):
            return None
    except Timeout:
        return _announced(data)


def _open(url: str) -> None:
    """Show a page in a browser if there is a screen; the address has been printed anyway."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in screens):
        webbrowser.open(url)
    else:
        print(f"There is no screen here; open {url} in a browser.", flush=True)


def _listen(port: int) -> socket.socket:
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


async def _serve(listener: socket.socket, data: Path, args: argparse.Namespace) -> None:
    # Imported late: --help answers at once.
    import uvicorn

    from src.wandb_server.api.graphql import MissingFields
    from src.wandb_server.context import Server
    from src.wandb_server.http.app import create_app
    from src.wandb_server.http.security import load_api_key
    from src.wandb_server.http.storage_trouble import StorageTrouble
    from src.wandb_server.scheduling.liveness import Liveness
    from src.wandb_server.scheduling.scheduler import Scheduler
    from src.wandb_server.store import Store
    from src.wandb_server.store.blobs import BlobStorage
    from src.wandb_server.store.errors import UnusableStoreError

    key = load_api_key(data / "api_key")
    try:
        store = Store(data / "server.db")
    except UnusableStoreError as error:
        raise UserError(f"--data {data}: {error}; name another folder") from None
    blobs = BlobStorage(data / "files", key)
    blobs.remove_leftovers()
    liveness = Liveness(args.crash_after)
    scheduler = Scheduler(store, liveness)
    server = Server(store, blobs, liveness, scheduler)
    trouble = StorageTrouble()
    port = listener.getsockname()[1]
    url = f"http://{HOST}:{port}"

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        announcement = data / "server.json"
        environment = client_environment(url, key)
        record = {"url": url, "pid": os.getpid(), "api_key": key, "environment": environment}
        _write_private(announcement, record)
        watcher = asyncio.create_task(_watch(scheduler, trouble, args.crash_after))
        print(_greeting(url, data, environment), flush=True)
        if args.open:
            threading.Thread(target=_open, args=(url,), daemon=True).start()
        try:
            yield
        finally:
            watcher.cancel()
            announcement.unlink(missing_ok=True)

    app = create_app(
        server,
        MissingFields(data / "missing_fields.jsonl"),
        trouble,
        key,
        port,
        key_file=data / "api_key",
        lifespan=lifespan,
    )
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=60,
        server_header=False,
    )
    web = uvicorn.Server(config)
    # uvicorn's own handlers raise the signal again at the end; the exit code is to be 0.
    web.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    loop = asyncio.get_running_loop()

    def stop() -> None:
        web.should_exit = True

    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop)
    if args.exit_with_stdin:
        threading.Thread(target=_stop_at_eof, args=(stop, loop), daemon=True).start()
    await web.serve(sockets=[listener])


def _stop_at_eof(stop: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
    # Not through sys.stdin: a thread inside its lock would abort the interpreter's shutdown.
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop)


async def _watch(scheduler: Any, trouble: Any, crash_after: float) -> None:
    from src.wandb_server.store.errors import NotStoredError

    while True:
        await asyncio.sleep(min(1.0, crash_after / 5))
        try:
            await asyncio.to_thread(scheduler.crash_silent_runs)
        except NotStoredError as error:  # a full disk, perhaps: it may have space again
            trouble.begins(error)


def _write_private(path: Path, content: dict[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file)
    temporary.replace(path)


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


if __name__ == "__main__":
    run_command(main)
