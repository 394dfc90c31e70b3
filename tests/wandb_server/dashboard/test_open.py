"""``--open``, which ``make dashboard`` uses."""

import html
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests

from src.shared.paths import ROOT
from tests.wandb_server.server_harness import ServerProcess, wait_for

LINK = re.compile(r"http://127\.0\.0\.1:\d+/login[^\s\"]+")
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


def logs_in(text: str, server: ServerProcess) -> bool:
    """Whether a text has a link that logs a browser in."""
    browser = requests.Session()
    [link] = LINK.findall(text)
    browser.get(html.unescape(link), timeout=30)
    return browser.get(server.url, timeout=30).ok


def shown(browser: Path) -> Path:
    """The file that the browser was to show."""
    address = (browser.parent / "shown").read_text().strip()
    return Path(address.removeprefix("file://"))


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A browser that writes down what it is to show."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\ncd {tmp_path} && echo "$1" > new && mv new shown\n')
    program.chmod(0o755)
    return program


@pytest.mark.skipif(
    sys.platform in ("darwin", "win32"), reason="a browser is always tried on this system"
)
def test_without_a_screen_the_address_is_printed(messy_server: ServerProcess) -> None:
    output = open_dashboard(messy_server.data)
    assert "There is no screen here; open the dashboard's address in a browser." in output
    assert logs_in(output, messy_server)


def test_a_server_that_runs_already_is_shown_and_its_link_is_printed(
    messy_server: ServerProcess, browser: Path
) -> None:
    output = open_dashboard(messy_server.data, DISPLAY=":0", BROWSER=f"{browser} %s")
    assert logs_in(output, messy_server)
    assert logs_in(shown(browser).read_text(), messy_server)


def test_what_every_user_can_read_of_a_browsers_process_logs_nobody_in(
    messy_server: ServerProcess, browser: Path
) -> None:
    open_dashboard(messy_server.data, DISPLAY=":0", BROWSER=f"{browser} %s")
    assert "token" not in (browser.parent / "shown").read_text()
    assert shown(browser).stat().st_mode & 0o077 == 0


def test_a_new_server_shows_itself_once_it_listens(
    tmp_path: Path, browser: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    server = ServerProcess(tmp_path / "data", "--open")
    server.start()
    try:
        wait_for(lambda: (browser.parent / "shown").exists(), "a browser")
        assert logs_in(shown(browser).read_text(), server)
    finally:
        assert server.end() == 0
    assert len(LINK.findall(server.output)) == 1, "in the greeting"
