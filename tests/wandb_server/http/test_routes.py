"""Who may do what at every route: the statuses of all that the application's route table has."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import requests
from starlette.applications import Starlette
from starlette.routing import Match, Route

from src.wandb_server.store.database import Database
from tests.wandb_server.http.everything import KEY, PROJECT, Everything, serve_everything

EVIL = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
ALL: dict[str, Any] = {"key": KEY, "login": True, "proof": True}
# What comes with a request; the columns of the table below.
MANNERS: Mapping[str, dict[str, Any]] = {
    "nothing": {},
    "nothing, where pages are public": {"public": True},
    "a wrong key": {"key": "x" * 40},
    "the key": {"key": KEY},
    "a login": {"login": True},
    "the route's own proof": {"proof": True},
    "a login and the proof": {"login": True, "proof": True},
    "all, from another site": {**ALL, "headers": EVIL},
    "all, for another host": {**ALL, "headers": {"Host": "evil.example"}},
}

OPEN = (200, 200, 200, 200, 200, 200, 200, 200, 421)
PAGE = (401, 200, 401, 200, 200, 401, 200, 200, 421)
MOVED = (401, 307, 401, 307, 307, 401, 307, 307, 421)
FILE = (401, 401, 401, 200, 200, 401, 200, 200, 421)
API = (401, 401, 401, 200, 401, 401, 401, 200, 421)
SIGNED = (404, 404, 404, 404, 404, 200, 200, 200, 421)
BUTTON = (401, 401, 401, 401, 403, 401, 303, 403, 421)
LOGIN = (401, 401, 401, 401, 401, 200, 200, 200, 421)

READ = {
    "/healthz": OPEN,
    "/proof/{nonce}": OPEN,  # whoever may send the key asks first
    "/login": OPEN,
    "/files/{entity}/{project}/{run}/{name:path}": API,
    "/artifacts/{entity}/{md5}": API,
    "/artifactsV2/{place:path}/{md5}/{name}": API,
    "/storage/{blob}": SIGNED,
    "/": PAGE,
    "/static/{digest}/{name}": OPEN,
    "/{entity}/{project}": PAGE,
    "/{entity}/{project}/compare": PAGE,
    "/{entity}/{project}/sweeps/{sweep}": PAGE,
    "/{entity}/{project}/runs/{run}": PAGE,
    "/{entity}/{project}/reports/{report:path}": PAGE,
    "/{entity}/{project}/runs/{run}/files/{name:path}": FILE,
    "/{entity}/{project}/artifacts/{artifact}/{name:path}": FILE,
    "/{entity}/{project}/{tab}": MOVED,
}
CHANGED = {
    ("POST", "/graphql"): API,
    ("POST", "/files/{entity}/{project}/{run}/file_stream"): API,
    ("PUT", "/storage/{blob}"): SIGNED,
    ("POST", "/actions/{kind}/{entity}/{project}/{name}/{button}"): BUTTON,
}
EXPECTED = {
    **{(method, path): READ[path] for path in READ for method in ("GET", "HEAD")},
    ("POST", "/login"): LOGIN,
    **CHANGED,
}

Answers = dict[tuple[str, str], dict[str, tuple[requests.Response, bool]]]


def routes(app: Starlette) -> Iterator[tuple[str, str, Route]]:
    """Method and path of all that the application answers to."""
    for route in app.routes:
        assert isinstance(route, Route), f"{route} is of a kind that this test does not know"
        for method in sorted(route.methods or ()):
            yield method, route.path, route


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    with serve_everything(tmp_path_factory.mktemp("everything")) as served:
        yield served


@pytest.fixture(scope="module")
def answers(everything: Everything) -> Answers:
    """The answer of every route to every manner of request, and whether anything changed."""
    found: Answers = {}
    kept = everything.stored()
    for method, path, _ in routes(everything.app):
        row = found[method, path] = {}
        # A route that the table lacks has no address to ask: the comparison will name it.
        for manner, options in MANNERS.items() if (method, path) in EXPECTED else ():
            reply = everything.send(method, path, **options)
            before, kept = kept, everything.stored()
            row[manner] = reply, before != kept
    return found


def test_every_route_has_exactly_the_statuses_of_the_table(answers: Answers) -> None:
    statuses = {
        route: {manner: reply.status_code for manner, (reply, _) in row.items()}
        for route, row in answers.items()
    }
    assert statuses == {
        route: dict(zip(MANNERS, row, strict=True)) for route, row in EXPECTED.items()
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/sdk/otel/v1/metrics", 404),  # where the client asks whether metrics are taken
        ("DELETE", "/no/such/page/at/all", 404),
        ("POST", PROJECT, 405),
        ("GET", "/graphql", 405),
    ],
)
def test_what_no_route_answers_to_is_said_before_the_key_is_asked_for(
    everything: Everything, method: str, path: str, status: int
) -> None:
    for auth in (None, ("api", "x" * 40), ("api", KEY)):
        reply = requests.request(method, everything.url + path, auth=auth, timeout=30)
        assert reply.status_code == status


def test_only_what_the_table_lets_pass_changes_anything(answers: Answers) -> None:
    changed = {
        (*route, manner)
        for route, row in answers.items()
        for manner, (_, changes) in row.items()
        if changes
    }
    assert changed == {
        (*route, manner)
        for route, row in CHANGED.items()
        for manner, status in zip(MANNERS, row, strict=True)
        if status < 400
    }


def test_no_answer_may_be_read_by_the_scripts_of_another_site(answers: Answers) -> None:
    for route, row in answers.items():
        for reply, _ in row.values():
            assert not [h for h in reply.headers if h.lower().startswith("access-control")], route


def test_no_answer_can_act_in_a_browser_but_by_our_own_scripts(
    answers: Answers,
) -> None:
    for route, row in answers.items():
        for reply, _ in row.values():
            assert reply.headers["x-content-type-options"] == "nosniff", route
            policy = reply.headers["content-security-policy"]
            if reply.headers.get("content-type", "").startswith("text/html"):
                assert "script-src 'self';" in policy, route
                assert "frame-ancestors 'none'" in policy, route
                assert reply.headers["cache-control"] == "no-store", route
            else:
                assert policy == "sandbox; default-src 'none'", route


def test_every_address_is_answered_by_the_route_it_is_asked_for(everything: Everything) -> None:
    for method, path, route in routes(everything.app):
        address = everything.addresses[path].partition("?")[0]
        scope = {"type": "http", "method": method, "path": address}
        first = next(r for r in everything.app.routes if r.matches(scope)[0] is Match.FULL)
        assert first is route, f"{address} is answered by {first}"


def test_no_route_keeps_the_others_waiting_for_the_database(
    everything: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked in threads alone, as a disk may take its time."""
    met = []

    def noted(asked: Callable[[Database], Any]) -> Callable[[Database], Any]:
        def ask(database: Database) -> Any:
            with contextlib.suppress(RuntimeError):
                met.append(asyncio.get_running_loop())
            return asked(database)

        return ask

    for name in ("_reader", "check_writable"):
        monkeypatch.setattr(Database, name, noted(getattr(Database, name)))
    for method, path in EXPECTED:
        everything.send(method, path, **ALL)
        assert not met, f"{method} {path}"
