"""Choosing the W&B server of a sweep: the one the user is logged in to, or the embedded one."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from src.shared.defaults import HOST
from src.shared.errors import UserError
from src.shared.live_server import AnnouncedServer, Listener, announced_server
from src.shared.paths import ROOT, SERVER_DATA
from src.shared.tickets import login_link
from src.sweeps.logs import open_log
from src.sweeps.server_choice import ServerChoice
from src.tracking.client import has_api_key, server_answers, server_url

_START_SECONDS = 30
_END_SECONDS = 30  # replies under way have 5 at most, then its threads end
_COMMAND = (sys.executable, "-m", "src.wandb_server", "--exit_with_stdin")
_QUICKER_SECONDS = 2  # that another server of the folder is given to announce itself
_BACKLOG = 128  # connections that wait while a server that died is started again


class Server:
    """The W&B server that the wandb client of this process and its children is set to.

    Attributes:
        embedded: Whether it is the one that comes with this project.
        environment: The variables that point another process at it.
    """

    embedded = False
    environment: Mapping[str, str] = {}  # what points a client at it, where it is not already

    @property
    def started_here(self) -> bool:
        """Whether this process started it, so that it ends with this process."""
        return False

    @property
    def url(self) -> str:
        """Its address."""
        return server_url()

    def link(self, page: str) -> str:
        """An address that shows a page to whoever follows it: it may log the browser in, once."""
        return page

    def tend(self) -> list[str]:
        """Mend what can be mended; a line for each thing that was."""
        return []


class PortTakenError(UserError):
    """A stranger listens where the clients of a sweep send their key."""


class EmbeddedServer(Server):
    """The server that comes with this project, serving one data folder.

    One that already serves the folder is used, once it has proven that it does; otherwise one is
    started, which ends with this process however that ends. The port of one that is started belongs
    to this process, so that nobody else gets it, and the key, when the server dies.

    Raises:
        UserError: If it does not start.
    """

    embedded = True

    def __init__(self, data: Path) -> None:
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None
        self._port: socket.socket | None = None  # that of a server of ours
        self._stale = announced_server(data)  # unless it is found to be proven
        self._server = self._found() or self._start(port=0)
        self.environment = self._server.environment
        project = os.environ.get("WANDB_PROJECT")
        os.environ.update(self.environment)  # for good: the client reads it until the process ends
        if project:
            os.environ["WANDB_PROJECT"] = project
        os.environ.pop("WANDB_MODE", None)

    def link(self, page: str) -> str:
        """An address that logs a browser in, once, and shows the page."""
        return login_link(self._server.url, self._server.key, urlsplit(page).path)

    def tend(self) -> list[str]:
        """Start it again at the same address if it is gone; the clients wait and lose nothing.

        Raises:
            PortTakenError: If somebody else listens there now.
        """
        if self._process is None:
            if self._is_at_its_port():
                return []
            how = "ended"
        elif (code := self._process.poll()) is None:
            return []
        else:
            how = f"died (exit code {code})"
        try:
            self._start(self._server.port)
        except UserError:
            return []  # another server of the folder may have been quicker
        return [f"the embedded server {how} and was started again; its log: {self._log}"]

    def close(self) -> None:
        """End it, if it is ours."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:  # frozen, say; what it has acknowledged is stored
                self._process.kill()
                self._process.wait()
        if self._port is not None:
            self._port.close()

    @property
    def started_here(self) -> bool:
        """Whether it ends with this process."""
        return self._process is not None

    @property
    def _log(self) -> Path:
        return self._data / "server.log"

    def _found(self) -> AnnouncedServer | None:
        """The server that the folder has already."""
        server = self._stale
        listener = server.listener() if server else Listener.NOBODY
        if server is None or listener is Listener.PROVEN:
            return server
        if listener is not Listener.NOBODY:
            print(f"Server     what listens at {server.url} is not it any more and gets no API key")
        return None

    def _is_at_its_port(self) -> bool:
        """Whether the server, which is not ours, is there or may only be slow."""
        listener = self._server.listener()
        if listener is Listener.STRANGER:
            raise PortTakenError(
                f"another program listens at {self._server.url} in place of the embedded server, "
                f"and may have been sent the API key; remove {self._data / 'api_key'} for a new one"
            )
        return listener is not Listener.NOBODY

    def _start(self, port: int) -> AnnouncedServer:
        """Start one at a port, or with 0 find that another one of the folder was quicker."""
        listener = self._port or _bound(port)
        with open_log(self._log) as log:
            said_before = log.tell()
            process = subprocess.Popen(
                [*_COMMAND, "--fd", str(listener.fileno()), "--data", str(self._data)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=[listener.fileno()],
                # Ctrl-C is for this process: the server must hear the agents' last words.
                start_new_session=True,
            )
        server = self._awaited(process, listener.getsockname()[1], or_another=port == 0)
        if server and server.port == listener.getsockname()[1]:
            self._process, self._port = process, listener
            return server
        process.kill()
        process.wait()
        if listener is not self._port:
            listener.close()
        if server:
            return server
        said = self._log.read_bytes()[said_before:].decode(errors="replace").strip()
        reason = said.rpartition("\n")[2].removeprefix("error: ") or "it does not answer"
        raise UserError(f"the embedded server did not start: {reason}; its log: {self._log}")

    def _awaited(
        self, process: "subprocess.Popen[bytes]", port: int, *, or_another: bool
    ) -> AnnouncedServer | None:
        """The server that a process becomes, or another one that announces itself meanwhile."""
        begun = time.monotonic()
        deadline = begun + _START_SECONDS
        is_refused = False
        while (now := time.monotonic()) < deadline:
            server = announced_server(self._data)
            expected = server and (server.port == port or (or_another and server != self._stale))
            if server and expected and server.listener() is Listener.PROVEN:
                return server
            if not is_refused and process.poll() is not None:
                is_refused = True
                # Where this one took long to be refused, the other one takes long to start, too.
                deadline = min(deadline, now + max(_QUICKER_SECONDS, 2 * (now - begun)))
            time.sleep(0.05)
        return None


def _bound(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=_BACKLOG)
    except OSError as error:
        raise UserError(f"the embedded server has no port: {error.strerror}") from None


@contextmanager
def open_server(choice: ServerChoice, data: Path = SERVER_DATA) -> Iterator[Server]:
    """Point this process and its children at a W&B server, which answers while the context lasts.

    Args:
        choice: Which server.
        data: The embedded server's data folder.

    Raises:
        UserError: If there is no key for ``cloud``, if that server does not answer or refuses the
            key, or if the embedded server does not start.
    """
    logged_in = choice is not ServerChoice.LOCAL and has_api_key()
    if choice is ServerChoice.CLOUD and not logged_in:
        raise UserError(
            "no W&B API key; run `wandb login`, or use --server local, which needs no account"
        )
    if logged_in:
        if not server_answers():
            raise UserError(
                f"the W&B server at {server_url()} does not answer; "
                "try again later, or use --server local, which needs no network"
            )
        yield Server()
        return
    server = EmbeddedServer(data)
    try:
        yield server
    finally:
        server.close()
