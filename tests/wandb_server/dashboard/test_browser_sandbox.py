"""Nothing that was logged acts in Chromium: each kind of it is opened, with a script inside."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page

from src.shared.tickets import login_link
from tests.wandb_server.dashboard import hostile_run
from tests.wandb_server.server_harness import Client, ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# A dialog, a request to another host, a change of the page: open_page fails at the first two.
SCRIPT = "alert(1);fetch(`http://127.0.0.1:9/ran`);document.title=`ran`"
RUN = "/local/gradsweep/runs/hostile"
REPORT = {
    "blocks": [
        {"type": "markdown-block", "content": f"<script>{SCRIPT}</script>"},
        {"type": "paragraph", "children": [{"text": f"<img src=x onerror='{SCRIPT}'>"}]},
    ]
}
FILES = """query { project(name: "gradsweep") { run(name: "hostile") {
  files { edges { node { name directUrl } } } } } }"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with one run, which has logged a script in everything."""
    folder = tmp_path_factory.mktemp("sandbox")
    server = ServerProcess(folder / "data")
    server.start()
    client = Client(server, folder / "client")
    client.run(sys.executable, str(Path(hostile_run.__file__)), SCRIPT)
    server.graphql(
        'mutation($s: String!) { upsertView(input: {type: "runs", displayName: $s, spec: $s})'
        " { view { id } } }",
        s=json.dumps(REPORT),
    )
    yield server
    client.end()
    assert server.end() == 0


@pytest.fixture
def page(browser: Browser, server: ServerProcess) -> Iterator[Page]:
    """Of a browser that is logged in, where errors are none of the page's own; nothing acts."""
    acted: list[str] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("dialog", lambda dialog: acted.append(dialog.message))
        page.goto(login_link(server.url, server.key, RUN))
        page.locator("#runs-table, #config").first.wait_for()
        yield page
        assert page.title() != "ran"
    assert acted == []


def opened(page: Page, address: str) -> str:
    """What a browser makes of an address: the type of what it shows, or "download"."""
    try:
        reply = page.goto(address)
    except Error as error:
        return "download" if "Download is starting" in error.message else error.message
    assert reply is not None
    return reply.headers["content-type"]


def file_addresses(server: ServerProcess) -> list[str]:
    """All the addresses at which the logged files are to be had, as pages and API name them."""
    page = server.page(RUN).text
    found = [*re.findall(rf'"({RUN}/files/[^"?]+)"', page)]
    found += re.findall(r'"(/local/gradsweep/artifacts/[^"]+)"', page)
    assert len(found) > 2 * len(hostile_run.files(SCRIPT))
    files = server.graphql(FILES)["project"]["run"]["files"]["edges"]
    signed = [edge["node"]["directUrl"].removeprefix(server.url) for edge in files]
    assert len(signed) > len(hostile_run.files(SCRIPT))
    return found + signed


def test_no_page_runs_what_was_logged(
    server: ServerProcess, open_page: Callable[..., Page]
) -> None:
    report = re.search(r'"(/local/gradsweep/reports/[^"]+)"', server.page("/local/gradsweep").text)
    assert report
    for path in ("/", "/local/gradsweep", RUN, report[1]):
        page = open_page(server, path)
        page.wait_for_load_state("networkidle")
        assert page.title() != "ran"
        assert page.locator("main").inner_text().count("<script>") > 0 or path == "/"


def test_every_file_is_a_download_however_it_is_asked_for(
    server: ServerProcess, page: Page
) -> None:
    for address in file_addresses(server):
        assert opened(page, server.url + address) == "download", address


def test_only_what_begins_like_a_picture_is_shown_and_only_as_one(
    server: ServerProcess, page: Page
) -> None:
    kinds = {
        name: opened(page, f"{server.url}{RUN}/files/{name}?view=1")
        for name in hostile_run.files(SCRIPT)
    }
    assert {name: kind for name, kind in kinds.items() if kind != "download"} == {
        "begins_like_a.gif": "image/gif",
        "begins_like_a.bmp": "image/bmp",
        "program.gif": "image/gif",
    }


@pytest.mark.parametrize("name", ["program.js", "program.gif?view=1", "program.gif"])
def test_no_logged_file_becomes_a_script_of_a_page(page: Page, name: str) -> None:
    """Even if somebody found a way to put its address into one of our pages."""
    with pytest.raises(Error):
        page.add_script_tag(url=f"{RUN}/files/{name}")


def test_the_scripts_would_run_if_they_were_pages(browser: Browser, tmp_path: Path) -> None:
    for name in ("page.html", "picture.svg", "page.xhtml", "data.xml"):
        (tmp_path / name).write_bytes(hostile_run.files(SCRIPT)[name])
        with browser.new_page() as page:
            with page.expect_event("dialog") as dialog:
                page.on("dialog", lambda dialog: dialog.accept())
                page.goto((tmp_path / name).as_uri())
            assert dialog.value.message == "1"
