"""``--open``, which ``make dashboard`` uses."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from src.shared.paths import ROOT
from tests.wandb_server.server_harness import ServerProcess, wait_for

SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")


def open_dashboard(data: Path, **screen: str) -> str:
    """What is printed for data that a server has already."""
    kept: Mapping[str, str] = {k: v for k, v in os.environ.items() if k not in SCREENS}
    command = [sys.executable, "-m", "src.wandb_server", "--open", "--data", str(data)]
    done = subprocess.run(
        command, cwd=ROOT, env={**kept, **screen}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A browser that writes down what it is to show."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/shown\n')
    program.chmod(0o755)
    return program


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")
def test_without_a_screen_the_address_is_printed(messy_server: ServerProcess) -> None:
    output = open_dashboard(messy_server.data)
    assert f"open {messy_server.url} in a browser" in output


def test_a_server_that_runs_already_is_shown(messy_server: ServerProcess, browser: Path) -> None:
    open_dashboard(messy_server.data, DISPLAY=":0", BROWSER=f"{browser} %s")
    assert (browser.parent / "shown").read_text().strip() == messy_server.url


def test_a_new_server_shows_itself_once_it_listens(
    tmp_path: Path, browser: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    server = ServerProcess(tmp_path / "data", "--open")
    server.start()
    try:
        shown = browser.parent / "shown"
        wait_for(lambda: shown.exists() and shown.read_text().strip() == server.url, "a browser")
    finally:
        assert server.end() == 0
