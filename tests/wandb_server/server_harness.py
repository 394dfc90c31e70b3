"""Real servers, in a process of their own or in this one, and real wandb clients in theirs."""

import contextlib
import functools
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
import uvicorn
import yaml
from starlette.applications import Starlette

from src.shared.paths import ROOT
from src.shared.tickets import login_link
from src.wandb_server.api.graphql import MissingFields

WAIT = 90.0


def wait_for(condition: Callable[[], Any], what: str, seconds: float = WAIT) -> Any:
    """The first true value of ``condition``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError):
            if value := condition():
                return value
        time.sleep(0.1)
    raise AssertionError(f"did not happen: {what}")


class ServerProcess:
    """``python -m src.wandb_server`` on a free port, and requests to it."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.options = options
        self.program: tuple[str, ...] = ("-m", "src.wandb_server")
        self.port = 0
        self.output = ""
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, *self.program, "--data", str(self.data)]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), *self.options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        process = self.process
        wait_for(lambda: self._announced(process), "the server announces itself")
        self.port = int(self.url.rpartition(":")[2])

    def _announced(self, process: subprocess.Popen[str]) -> bool:
        assert process.poll() is None, process.stdout and process.stdout.read()
        try:
            return bool(self.record["pid"] == process.pid)
        except (OSError, ValueError):
            return False

    @property
    def record(self) -> dict[str, Any]:
        return json.loads((self.data / "server.json").read_text())  # type: ignore[no-any-return]

    @property
    def url(self) -> str:
        return str(self.record["url"])

    @property
    def key(self) -> str:
        return (self.data / "api_key").read_text()

    @functools.cached_property
    def browser(self) -> requests.Session:
        """A browser that is logged in."""
        return logged_in(self.url, self.key)

    def page(self, path: str, **options: Any) -> requests.Response:
        """What that browser is sent."""
        return self.browser.get(self.url + path, timeout=30, **options)

    def end(self, signum: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(signum)
        self.output += self.process.communicate()[0]
        return self.process.returncode

    def graphql(self, query: str, **variables: Any) -> Any:
        reply = requests.post(
            f"{self.url}/graphql",
            json={"query": query, "variables": variables},
            auth=("api", self.key),
            timeout=30,
        )
        body = reply.json()
        assert "errors" not in body, body
        return body["data"]

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Read what is stored, behind the server's back."""
        with contextlib.closing(sqlite3.connect(self.data / "server.db", timeout=30)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(sql, values)]

    def missing_fields(self) -> list[dict[str, str]]:
        return MissingFields.read(self.data / "missing_fields.jsonl")


def logged_in(url: str, key: str) -> requests.Session:
    """A browser that has followed a link."""
    browser = requests.Session()
    browser.get(login_link(url, key), timeout=30).raise_for_status()
    return browser


def free_port() -> socket.socket:
    """A socket that listens at a port of the loopback that nobody uses."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


@contextlib.contextmanager
def served(app: Starlette, listener: socket.socket) -> Iterator[None]:
    """Serve an application from this process, which can look into it, while the context lasts."""
    web = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_for(lambda: web.started, "the application is served")
        yield
    finally:
        web.should_exit = True
        thread.join()


class Client:
    """Runs unmodified wandb in fresh processes, with folders of their own."""

    def __init__(self, server: ServerProcess, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        keep = {k: v for k, v in os.environ.items() if not k.startswith("WANDB")}
        self.environment = keep | {
            **server.record["environment"],
            "HOME": str(folder),
            "WANDB_DIR": str(folder),
            "WANDB_CACHE_DIR": str(folder / "cache"),
            "WANDB_CONFIG_DIR": str(folder / "config"),
            "WANDB_DATA_DIR": str(folder / "staging"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def run(self, *command: str) -> str:
        process = self.start(*command)
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output
        return output

    def python(self, code: str, *arguments: str) -> str:
        return self.run(sys.executable, "-c", code, *arguments)

    def create_sweep(self, config: Mapping[str, Any]) -> str:
        """``wandb sweep``; returns entity/project/id as it prints it for ``wandb agent``."""
        (self.folder / "sweep.yaml").write_text(yaml.safe_dump(config))
        output = self.run("wandb", "sweep", "sweep.yaml")
        found = re.search(r"wandb agent (\S+)", output)
        assert found, output
        return found[1]

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
