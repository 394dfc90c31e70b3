"""How a browser is logged in, for how long, and who cannot be."""

import html
import re
import resource
import shutil
import socket
import struct
import subprocess
from pathlib import Path

import pytest
import requests

from src.shared.tickets import LINK_SECONDS, link_purpose, login_link, write_ticket
from src.wandb_server.http.logins import of_same_user
from tests.programs import missing
from tests.rights import NOBODY, linux_only, root_only
from tests.wandb_server.server_harness import ServerProcess, free_port, logged_in

# One that another user may run; that of this environment may be in a private folder.
PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin:/bin")
FETCH = """
import sys, urllib.error, urllib.request
address, *headers = sys.argv[1:]
try:
    request = urllib.request.Request(address, headers=dict(zip(headers[::2], headers[1::2])))
    print(urllib.request.urlopen(request, timeout=30).status)
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
"""


@pytest.fixture(scope="module")
def server(module_server: ServerProcess) -> ServerProcess:
    return module_server


def visit(server: ServerProcess, link: str) -> requests.Response:
    """What a browser that comes for the first time is sent."""
    return requests.get(link, timeout=30)


def cookie_name(server: ServerProcess) -> str:
    return f"gradsweep_{server.port}"


def fetched_by(user: int, address: str, *headers: str) -> str:
    """What a process of another user is sent that has got hold of headers: names and values."""
    if PYTHON is None:
        missing("python3")
    done = subprocess.run(
        [PYTHON, "-c", FETCH, address, *headers],
        cwd="/",
        user=user,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_link_logs_in_once_and_leads_to_its_page(server: ServerProcess) -> None:
    link = login_link(server.url, server.key, "/local/gradsweep?filter=a&page=2")
    first = visit(server, link)
    assert 'content="0; url=/local/gradsweep?filter=a&amp;page=2"' in first.text
    assert first.cookies
    second = visit(server, link)
    assert second.status_code == 401
    assert "This link has been used, or it is too old." in second.text
    assert "make dashboard" in second.text
    assert not second.cookies


def test_a_link_is_not_used_up_by_a_look_at_its_head(server: ServerProcess) -> None:
    link = login_link(server.url, server.key)
    assert not requests.head(link, timeout=30).cookies
    assert visit(server, link).cookies


def test_a_link_that_was_used_still_leads_its_own_browser_to_the_page(
    server: ServerProcess,
) -> None:
    browser, link = requests.Session(), login_link(server.url, server.key, "/local/x")
    for _ in range(2):
        assert 'url=/local/x"' in browser.get(link, timeout=30).text


def test_no_other_link_logs_in(server: ServerProcess) -> None:
    good = write_ticket(server.key, link_purpose(server.port), LINK_SECONDS)
    end, _, rest = good.partition(".")
    for ticket in (
        *("", "x", "..", good[:-1], f"{int(end) + 1}.{rest}"),
        write_ticket(server.key, link_purpose(server.port), -1),
        write_ticket(server.key, link_purpose(server.port + 1), LINK_SECONDS),
        write_ticket("0" * 40, link_purpose(server.port), LINK_SECONDS),
        logged_in(server.url, server.key).cookies[cookie_name(server)],
    ):
        reply = visit(server, f"{server.url}/login?token={ticket}")
        assert reply.status_code == 401, ticket
        assert not reply.cookies
    assert visit(server, f"{server.url}/login?token={good}").cookies, "and this one does"


@pytest.mark.parametrize(
    "page",
    [
        *("//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example"),
        *("/\t/evil.example", "javascript:alert(1)", "data:text/html,x", "evil", "", "/ü", "/%\n"),
    ],
)
def test_no_link_leads_to_another_site(server: ServerProcess, page: str) -> None:
    reply = visit(server, login_link(server.url, server.key, page))
    assert 'content="0; url=/"' in reply.text
    form = requests.get(f"{server.url}/login", params={"next": page}, timeout=30)
    assert '<input type="hidden" name="next" value="/">' in form.text


def test_the_cookie_is_for_this_server_alone_and_ends(server: ServerProcess) -> None:
    header = visit(server, login_link(server.url, server.key)).headers["set-cookie"]
    name, *attributes = header.split("; ")
    assert name.startswith(f"{cookie_name(server)}=")
    assert sorted(attributes) == ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=strict"]
    for purpose, seconds, status in (
        (f"login at port {server.port}", 60, 200),
        (f"login at port {server.port}", -1, 401),
        (f"login at port {server.port + 1}", 60, 401),
        (link_purpose(server.port), 60, 401),
    ):
        cookies = {cookie_name(server): write_ticket(server.key, purpose, seconds)}
        assert requests.get(server.url, cookies=cookies, timeout=30).status_code == status


def test_the_key_logs_in_by_the_form(server: ServerProcess) -> None:
    form = {"key": f" {server.key}\n", "next": "/local/x"}
    reply = requests.post(f"{server.url}/login", data=form, timeout=30)
    assert 'url=/local/x"' in reply.text
    assert reply.cookies
    for key in ("", "x", server.key[:-1], "ü"):
        reply = requests.post(f"{server.url}/login", data=form | {"key": key}, timeout=30)
        assert reply.status_code == 401
        assert "This is not the API key of this server." in reply.text
        assert 'name="next" value="/local/x"' in reply.text
        assert not reply.cookies
    assert requests.post(f"{server.url}/login", data=b"x" * 2**19, timeout=30).status_code == 413


def test_the_form_leads_on_to_an_address_however_long(server: ServerProcess) -> None:
    page = "/local/gradsweep?" + "&".join(f"run=%2F{number:08}" for number in range(2000))
    asked = requests.get(f"{server.url}{page}", timeout=30)
    [following] = re.findall(r'name="next" value="([^"]*)"', asked.text)
    form = {"key": server.key, "next": html.unescape(following)}
    reply = requests.post(f"{server.url}/login", data=form, timeout=30)
    assert f'content="0; url={html.escape(page)}"' in reply.text


def test_strangers_are_told_how_to_get_in_and_nothing_else(server: ServerProcess) -> None:
    server.graphql('mutation { upsertBucket(input: {name: "secret"}) { inserted } }')
    pages = {
        requests.get(f"{server.url}/local/gradsweep/runs/{name}", timeout=30).text.replace(name, "")
        for name in ("secret", "none")
    }
    [page] = pages
    assert "make dashboard" in page
    assert str(server.data) not in page
    assert server.key not in page


def test_logins_outlive_a_restart_and_used_links_do_not(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    server.start()
    unused, used = (login_link(server.url, server.key) for _ in range(2))
    browser = requests.Session()
    browser.get(used, timeout=30)
    assert server.end() == 0
    server.start()
    assert browser.get(server.url, timeout=30).ok
    assert visit(server, used).status_code == 401
    assert visit(server, unused).cookies
    assert server.end() == 0


class TestAnotherUser:
    """Who got hold of a login, as cookies are sent to every port of this host."""

    @linux_only
    @root_only
    def test_is_not_let_in_by_it(self, server: ServerProcess) -> None:
        cookies = logged_in(server.url, server.key).cookies
        login = f"{cookie_name(server)}={cookies[cookie_name(server)]}"
        assert fetched_by(0, server.url, "Cookie", login).strip() == "200"
        assert fetched_by(NOBODY, server.url, "Cookie", login).startswith("401 ")

    @linux_only
    @root_only
    def test_cannot_use_up_a_link_either(self, server: ServerProcess) -> None:
        link = login_link(server.url, server.key)
        reply = fetched_by(NOBODY, link, "Accept", "text/html")
        assert reply.startswith("403 ")
        assert "Your browser does not run as the user who runs this server." in reply
        assert visit(server, link).cookies

    @linux_only
    @root_only
    @pytest.mark.parametrize("claimed", ["127.0.0.1:{}", "127.0.0.1", "1.2.3.4", "evil", "[::1]:1"])
    def test_cannot_claim_to_be_elsewhere(self, server: ServerProcess, claimed: str) -> None:
        """No proxy stands before the server, so its headers are a stranger's word."""
        forwarded = ("X-Forwarded-For", claimed.format(server.port))
        cookies = logged_in(server.url, server.key).cookies
        login = f"{cookie_name(server)}={cookies[cookie_name(server)]}"
        assert fetched_by(NOBODY, server.url, "Cookie", login, *forwarded).startswith("401 ")
        link = login_link(server.url, server.key)
        assert fetched_by(NOBODY, link, *forwarded).startswith("403 ")
        assert visit(server, link).cookies

    @linux_only
    @root_only
    def test_is_let_in_by_the_key(self, server: ServerProcess) -> None:
        """Whoever was given the key is trusted: agents may run as another user."""
        reply = fetched_by(NOBODY, server.url, "Authorization", f"Bearer {server.key}")
        assert reply.strip() == "200"

    @linux_only
    def test_cannot_hide_by_hanging_up(self) -> None:
        """A button needs no answer; of a connection that is gone the system knows no user."""
        with free_port() as listener, socket.create_connection(listener.getsockname()) as client:
            here, peer = listener.getsockname(), client.getsockname()
            assert of_same_user(peer, here)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            assert not of_same_user(peer, here)

    @linux_only
    def test_is_not_taken_for_who_listens_there(self) -> None:
        with free_port() as listener:
            here = listener.getsockname()
            assert not of_same_user(here, here)

    @linux_only
    def test_is_not_let_in_while_files_are_short(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            assert not of_same_user(("127.0.0.1", 9), ("127.0.0.1", 10))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def test_is_not_told_apart_where_the_system_tells_nothing(self) -> None:
        with free_port() as gone:
            nowhere = gone.getsockname()
        assert of_same_user(("127.0.0.1", 9), nowhere)
