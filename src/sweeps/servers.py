"""Choosing the W&B server of a sweep: the one the user is logged in to, or the embedded one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from src.shared.errors import UserError
from src.shared.paths import ROOT, SERVER_DATA
from src.sweeps.logs import open_log
from src.sweeps.server_choice import ServerChoice
from src.tracking.client import has_api_key, server_answers, server_url

_START_SECONDS = 30


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

    def tend(self) -> list[str]:
        """Mend what can be mended; a line for each thing that was."""
        return []


class EmbeddedServer(Server):
    """The server that comes with this project, serving one data folder.

    One that already serves the folder is used; otherwise one is started, which ends with this
    process however that ends.

    Raises:
        UserError: If it does not start.
    """

    embedded = True

    def __init__(self, data: Path) -> None:
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None
        record = self._running() or self._start(port=0)
        self.environment = record["environment"]
        project = os.environ.get("WANDB_PROJECT")
        os.environ.update(self.environment)  # for good: the client reads it until the process ends
        if project:
            os.environ["WANDB_PROJECT"] = project
        os.environ.pop("WANDB_MODE", None)

    def tend(self) -> list[str]:
        """Start it again at the same address if it is gone; the clients wait and lose nothing."""
        if self._process is not None and self._process.poll() is None:
            return []
        if self._process is None and self._running():
            return []
        how = "ended" if self._process is None else f"died (exit code {self._process.returncode})"
        try:
            self._start(port=int(self.url.rsplit(":", 1)[1]))
        except UserError:
            self._process = None  # another sweep of this checkout may have been quicker
            return []
        return [f"the embedded server {how} and was started again; its log: {self._log}"]

    def close(self) -> None:
        """End it, if it is ours."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    @property
    def started_here(self) -> bool:
        """Whether it ends with this process."""
        return self._process is not None

    @property
    def _log(self) -> Path:
        return self._data / "server.log"

    def _running(self) -> dict[str, Any] | None:
        try:
            record: dict[str, Any] = json.loads((self._data / "server.json").read_text())
            requests.get(f"{record['url']}/healthz", timeout=5).raise_for_status()
        except (OSError, ValueError):  # the errors of requests are OSErrors
            return None
        return record

    def _start(self, port: int) -> dict[str, Any]:
        command = [sys.executable, "-m", "src.wandb_server", "--exit_with_stdin"]
        with open_log(self._log) as log:
            self._process = subprocess.Popen(
                [*command, "--port", str(port), "--data", str(self._data)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl-C is for this process: the server must hear the agents' last words.
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if record := self._running():
                return record
            time.sleep(0.05)
        raise UserError(f"the embedded server did not start; {self._log} says why")


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
