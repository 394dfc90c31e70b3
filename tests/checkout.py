"""A copy of this checkout in a folder of its own, where whole commands run as a user runs them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import wandb

from src.shared.paths import ROOT

T = TypeVar("T")


@dataclass(frozen=True)
class Checkout:
    """The copy's folder, and how its commands are run."""

    root: Path

    def environment(self, **extra: str) -> dict[str, str]:
        """This process's environment without any W&B server, the virtual environment first."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        return kept | {"PATH": path, "NETRC": str(self.root / "netrc"), "NO_COLOR": "1"} | extra

    def start(self, *command: str, **extra: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own, as a terminal does."""
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environment(**extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str, **extra: str) -> tuple[int, str]:
        """Run a command to its end.

        Returns:
            Its exit code and what it printed.
        """
        process = self.start(*command, **extra)
        try:
            output, _ = process.communicate(timeout=240)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        return process.returncode, output

    def write_sweep(self, text: str) -> str:
        """Write a sweep file; its name is what commands take."""
        (self.root / "sweep.yaml").write_text(text)
        return "sweep.yaml"

    @contextmanager
    def server(self, *options: str) -> Iterator[dict[str, str]]:
        """The embedded server on this checkout's data, as the environment that points at it."""
        data = self.root / ".gradsweep" / "server"
        command = [sys.executable, "-m", "src.wandb_server", "--port", "0", *options]
        process = self.start(*command)
        try:
            record = wait_for(lambda: _announced(data / "server.json", process.pid))
            yield record["environment"]
        finally:
            process.terminate()
            process.communicate(timeout=30)
            wandb.teardown()  # this process's client goes on asking a server that is gone


def copy_checkout(folder: Path) -> Checkout:
    """Copy what runs, without what running has made."""
    for name in ("src", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "run_sweep.py", folder)
    for name in ("models", "plots"):
        (folder / name).mkdir()
    return Checkout(folder)


def outputs_of(processes: Sequence[subprocess.Popen[str]], seconds: float) -> list[str]:
    """Wait for processes that run side by side, reading from all: a full pipe would hold one up."""
    with ThreadPoolExecutor(len(processes)) as pool:
        return list(pool.map(lambda process: process.communicate(timeout=seconds)[0], processes))


def printed_until(process: subprocess.Popen[str], words: str) -> str:
    """What a process has printed when a line of it has these words."""
    assert process.stdout
    printed = ""
    while words not in printed:
        line = process.stdout.readline()
        assert line, printed
        printed += line
    return printed


def api(environment: Mapping[str, str]) -> wandb.Api:
    """W&B's public API on that server."""
    overrides = {"base_url": environment["WANDB_BASE_URL"], "entity": "local"}
    return wandb.Api(overrides=overrides, api_key=environment["WANDB_API_KEY"])


def wait_for(condition: Callable[[], T | None], seconds: float = 60) -> T:
    """Wait until ``condition`` gives something true, and return it."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
    return value


def _announced(file: Path, pid: int) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return record if record["pid"] == pid else None
