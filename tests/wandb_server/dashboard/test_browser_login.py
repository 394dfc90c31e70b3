"""Logging in, in Chromium: where links lead from, and what a page says when a login has ended."""

import html
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from src.shared.tickets import login_link
from tests.wandb_server.server_harness import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RUN = "/local/messy/runs/member0"
# That of a sweep that goes on: it fetches itself again and again.
LIVE = "/local/messy/sweeps/wild"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Of a browser that has never been here."""
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture
def another_site() -> Iterator[Callable[[str], str]]:
    """Makes a page with a link, at another site: browsers take another host's name for one."""
    links: list[str] = []

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<a href="{html.escape(links[-1])}">a link</a>'.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Keep the tests' output to themselves."""

    web = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=web.serve_forever, daemon=True).start()

    def site(link: str) -> str:
        links.append(link)
        return f"http://localhost:{web.server_port}/"

    yield site
    web.shutdown()
    web.server_close()


def shows(page: Page, server: ServerProcess, path: str) -> None:
    """Wait until a page is shown at its address, without the link's ticket."""
    page.wait_for_url(f"{server.url}{path}")
    expect(page.locator("h1 small")).to_contain_text(path.rpartition("/")[2])


def test_a_link_from_a_terminal_leads_to_its_page(messy_server: ServerProcess, page: Page) -> None:
    referrers: list[str | None] = []
    page.on("request", lambda request: referrers.append(request.headers.get("referer")))
    page.goto(login_link(messy_server.url, messy_server.key, RUN))
    shows(page, messy_server, RUN)
    assert not [address for address in referrers if address and "token" in address]
    page.go_back()
    assert page.url == "about:blank", "the link is not in the browser's history"


def test_a_link_from_another_site_leads_to_its_page_and_does_so_again(
    messy_server: ServerProcess, page: Page, another_site: Callable[[str], str]
) -> None:
    site = another_site(login_link(messy_server.url, messy_server.key, RUN))
    for _ in range(2):
        page.goto(site)
        page.get_by_text("a link").click()
        shows(page, messy_server, RUN)


def test_what_wandb_prints_is_shown_to_a_login_wherever_it_is_clicked(
    messy_server: ServerProcess, page: Page, another_site: Callable[[str], str]
) -> None:
    page.goto(login_link(messy_server.url, messy_server.key))
    page.locator("#projects").wait_for()
    page.goto(another_site(messy_server.url + RUN))
    page.get_by_text("a link").click()
    shows(page, messy_server, RUN)


def test_what_wandb_prints_leads_through_the_login_to_its_page(
    messy_server: ServerProcess, page: Page, another_site: Callable[[str], str]
) -> None:
    page.goto(another_site(f"{messy_server.url}{RUN}"))
    page.get_by_text("a link").click()
    page.get_by_role("heading", name="Log in").wait_for()
    for key, shown in (("wrong", "This is not the API key"), (messy_server.key, "run member0")):
        page.locator("#key").fill(key)
        page.keyboard.press("Enter")
        page.get_by_text(shown).wait_for()
    shows(page, messy_server, RUN)


def test_the_file_that_open_shows_leads_to_the_dashboard(
    messy_server: ServerProcess, page: Page, tmp_path: Path
) -> None:
    file = tmp_path / "open.html"
    link = html.escape(login_link(messy_server.url, messy_server.key))
    file.write_text(f'<meta http-equiv="refresh" content="0; url={link}">')
    page.goto(file.as_uri())
    page.locator("#projects").wait_for()
    assert page.url == f"{messy_server.url}/"


def test_a_page_says_that_its_login_has_ended_and_goes_on_after_another(
    messy_server: ServerProcess, page: Page
) -> None:
    page.goto(login_link(messy_server.url, messy_server.key, LIVE))
    shows(page, messy_server, LIVE)
    page.context.clear_cookies()
    badge = page.locator("#live")
    expect(badge).to_have_text("your login has ended: load this page again", timeout=30_000)
    assert page.locator("#runs-table").is_visible(), "what was there stays"
    with page.context.new_page() as other:
        other.goto(login_link(messy_server.url, messy_server.key))
        other.locator("#projects").wait_for()
    expect(badge).to_have_text("live", timeout=30_000)
