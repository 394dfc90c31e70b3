"""What the dashboard's tests share: a browser, and a server that they leave as it was."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from src.shared.tickets import login_link
from tests.programs import missing
from tests.wandb_server.dashboard.messy_data import write_messy_data
from tests.wandb_server.dashboard.planted_sweeps import write_planted_sweeps
from tests.wandb_server.server_harness import ServerProcess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def messy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of data that is hard to show."""
    data: Path = tmp_path_factory.mktemp("messy") / "data"
    write_messy_data(data)
    write_planted_sweeps(data)
    # Nobody speaks for its running runs, and this one server outlives many tests.
    server = ServerProcess(data, "--crash_after", str(24 * 3600))
    server.start()
    yield server
    assert server.end() == 0


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        missing("chromium")
    options = [
        *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync"),
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages; afterwards asserts that none had errors or asked another host for anything."""
    faults: list[str] = []
    contexts: dict[tuple[str, str, int], BrowserContext] = {}

    def open_page(
        server: ServerProcess, path: str, scheme: str = "light", width: int = 1280
    ) -> Page:
        first = (server.url, scheme, width) not in contexts
        if first:
            contexts[server.url, scheme, width] = browser.new_context(
                color_scheme="dark" if scheme == "dark" else "light",
                viewport={"width": width, "height": 900},
            )
        page = contexts[server.url, scheme, width].new_page()
        page.on("console", lambda m: faults.append(f"console: {m.text}"))
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
        local = (server.url, "data:", "blob:")
        page.on(
            "request",
            lambda r: None if r.url.startswith(local) else faults.append(f"request: {r.url}"),
        )
        if first:
            page.goto(login_link(server.url, server.key))
            page.wait_for_url(f"{server.url}/")
        page.goto(f"{server.url}{path}")
        return page

    yield open_page
    for context in contexts.values():
        context.close()
    assert faults == []
