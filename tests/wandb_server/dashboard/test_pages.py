"""The pages as HTML: that they are there, whatever was logged, and safe to open."""

import json
import re
from typing import Any

import pytest
import requests

from tests.wandb_server.dashboard.messy_data import HOSTILE
from tests.wandb_server.server_harness import ServerProcess, logged_in

PAGES = [
    "/",
    "/local/messy",
    "/local/messy/sweeps/wild",
    "/local/messy/runs/empty",
    "/local/messy/runs/hostile",
    "/local/messy/runs/member0",
    "/local/messy/runs/member3",
    "/local/messy/runs/member6",
    "/local/messy/runs/long",
    "/local/messy/compare?runs=hostile,member0,empty",
    "/local/messy/reports/Title--Vmlldzox",
    "/local/many",
]


def figures(html: str) -> list[Any]:
    found = re.findall(r'<script type="application/json">(.*?)</script>', html, re.S)
    return [json.loads(text, parse_constant=pytest.fail) for text in found]


@pytest.mark.parametrize("path", PAGES)
def test_hostile_names_stay_names_and_figures_are_strict_json(
    messy_server: ServerProcess, path: str
) -> None:
    page = messy_server.page(path)
    assert page.status_code == 200
    assert "<img src=x" not in page.text
    assert "alert(1)</script>" not in page.text
    own = re.findall(r"<script[^>]*>", page.text)
    assert all('src="/static/' in tag or "application/json" in tag for tag in own)
    if path.endswith("hostile"):
        assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page.text
    figures(page.text)


@pytest.mark.parametrize("path", PAGES)
def test_policy_forbids_inline_scripts_and_other_hosts(
    messy_server: ServerProcess, path: str
) -> None:
    headers = messy_server.page(path).headers
    policy = dict(p.split(" ", 1) for p in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["style-src"] == "'self'"
    assert [part for part in policy if "unsafe" in policy[part]] == ["style-src-attr"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "http" not in headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/nobody/nothing", "No project nobody/nothing"),
        ("/local/messy/runs/unknown", "No run unknown"),
        ("/local/messy/sweeps/unknown", "No sweep unknown"),
        ("/local/messy/reports/unknown", "No such view"),
        ("/local/messy/reports/x--Vmlldzo5OTk", "No such report"),
        ("/local/messy/runs/hostile/files/..%2f..%2fserver.db", "No such file"),
        ("/local/messy/runs/hostile/files/unknown.txt", "No such file"),
        ("/local/messy/artifacts/999/weights.h5", "No such artifact"),
        ("/local/messy/artifacts/99999999999999999999999/x", "No such artifact"),
        ("/static/0000/dashboard.js", "No such file"),
        ("/a/b/c/d/e/f", "No such page"),
    ],
)
def test_what_is_not_there_is_said_so_on_a_page(
    messy_server: ServerProcess, path: str, message: str
) -> None:
    reply = messy_server.page(path)
    assert reply.status_code == 404
    assert message in reply.text
    assert '<a href="/">All projects</a>' in reply.text


def test_logged_files_are_never_active_content(messy_server: ServerProcess) -> None:
    base = "/local/messy/runs/hostile/files/media"
    for name in ("images/active.svg?view=1", "images/active.svg", "html/page.html?view=1"):
        reply = messy_server.page(f"{base}/{name}")
        assert reply.headers["content-type"] == "application/octet-stream"
        assert reply.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["content-security-policy"].startswith("sandbox")


def test_static_files_are_kept_for_ever_by_their_digest(messy_server: ServerProcess) -> None:
    page = messy_server.page("/local/messy").text
    addresses = re.findall(r'"(/static/\w+/[\w.]+)"', page)
    assert {a.rpartition("/")[2] for a in addresses} == {
        *("charts.css", "dashboard.css", "dashboard.js", "figures.js", "plotly.min.js")
    }
    for address in addresses:
        assert "immutable" in messy_server.page(address).headers["cache-control"]


def test_a_stopped_run_says_bracket_value_and_threshold(messy_server: ServerProcess) -> None:
    page = messy_server.page("/local/messy/runs/member0").text
    assert (
        "Stopped at bracket 1 (1 logged point): val_loss 2.5 was above the 0.5 needed"
        " to stay in the top third" in page
    )
    without_value = messy_server.page("/local/messy/runs/member1").text
    assert "it had no finite val_loss to compare" in without_value


def test_a_report_shows_its_text(messy_server: ServerProcess) -> None:
    page = messy_server.page("/local/messy/reports/Title--Vmlldzox").text
    for part in ("<h2>What we saw</h2>", "<li>first finding</li>", "<pre>make sweep</pre>"):
        assert part in page


def test_long_histories_are_thinned_out(messy_server: ServerProcess) -> None:
    page = messy_server.page("/local/messy/runs/long").text
    [loss] = [f["data"][0] for f in figures(page) if f and f["data"]]
    assert len(loss["x"]) == 1000
    assert loss["x"][0] == 0
    assert loss["x"][-1] == 29_999


def rows(html: str) -> list[str]:
    return re.findall(r'<a href="/local/many/runs/(run\d+)">', html.split("<tbody>")[-1])


def test_a_table_of_many_runs_comes_in_pages(messy_server: ServerProcess) -> None:
    page = messy_server.page("/local/many").text
    assert "1,000 of 1,000 runs" in page
    assert rows(page) == [f"run{i}" for i in range(999, 899, -1)]
    assert rows(messy_server.page("/local/many?page=10").text)[-1] == "run0"
    assert rows(messy_server.page("/local/many?page=999999").text)[-1] == "run0"


def test_runs_are_sorted_by_metric_and_by_config(messy_server: ServerProcess) -> None:
    best = messy_server.page("/local/many?sort=best&order=desc&metric=val_accuracy").text
    assert 'aria-sort="descending"' in best
    assert rows(best)[:2] == ["run27", "run54"]
    lowest = messy_server.page("/local/many?sort=config.lr&order=asc").text
    assert rows(lowest)[:2] == ["run0", "run1"]


def test_runs_are_filtered_by_words_and_by_comparisons(messy_server: ServerProcess) -> None:
    page = messy_server.page("/local/many?filter=lr<0.02 sgd").text
    assert "10 of 1,000 runs" in page
    assert rows(page) == [f"run{i}" for i in range(19, 0, -2)]
    assert "No run matches." in messy_server.page("/local/many?filter=lr>7").text
    assert "1 of 11 runs" in messy_server.page("/local/messy?filter=huge>1e300").text


@pytest.mark.parametrize(
    "query", ["sort=%00&order=x&page=-1", "page=٣", "filter=<<&state=x", "run="]
)
def test_an_odd_query_is_not_an_error(messy_server: ServerProcess, query: str) -> None:
    assert messy_server.page(f"/local/many?{query}").status_code == 200


def test_comparing_shows_what_differs_first_and_takes_two_to_six(
    messy_server: ServerProcess,
) -> None:
    page = messy_server.page("/local/many/compare?runs=run1,run2").text
    differing = page.split('id="differences"')[1].split("</section>")[0]
    assert '<th scope="row">lr</th><td class="number">0.001</td>' in differing
    one = messy_server.page("/local/many/compare?runs=run1")
    assert one.status_code == 400
    assert "Select 2 to 6 runs" in one.text
    seven = ",".join(f"run{i}" for i in range(7))
    assert messy_server.page(f"/local/many/compare?runs={seven}").status_code == 400


class TestButtons:
    """Pause, resume and stop, without a browser."""

    def press(
        self,
        server: ServerProcess,
        path: str,
        session: requests.Session,
        token: str,
        **headers: str,
    ) -> int:
        url = f"{server.url}/actions/{path}"
        reply = session.post(
            url, data={"token": token}, headers=headers, allow_redirects=False, timeout=30
        )
        return reply.status_code

    def open(self, server: ServerProcess) -> tuple[requests.Session, str]:
        session = logged_in(server.url, server.key)
        page = session.get(f"{server.url}/local/messy/sweeps/wild", timeout=30)
        found = re.search(r'name="token" value="(\w+)"', page.text)
        assert found
        return session, found[1]

    def state(self, server: ServerProcess) -> str:
        [sweep] = server.rows("SELECT state FROM sweeps WHERE name = 'wild'")
        return str(sweep["state"])

    def test_a_button_needs_the_token_of_its_own_browser(self, messy_server: ServerProcess) -> None:
        session, token = self.open(messy_server)
        _, other_token = self.open(messy_server)
        pause = "sweeps/local/messy/wild/pause"
        assert self.press(messy_server, pause, requests.Session(), token) == 401
        for wrong in ("", other_token, token[:-1], token + "0"):
            assert self.press(messy_server, pause, session, wrong) == 403
        assert self.state(messy_server) == "RUNNING"
        assert self.press(messy_server, pause, session, token) == 303
        assert self.state(messy_server) == "PAUSED"
        assert self.press(messy_server, "sweeps/local/messy/wild/resume", session, token) == 303
        assert self.state(messy_server) == "RUNNING"

    def test_a_button_pressed_on_another_site_does_nothing(
        self, messy_server: ServerProcess
    ) -> None:
        session, token = self.open(messy_server)
        pause = "sweeps/local/messy/wild/pause"
        for headers in (
            {"Origin": "http://evil.example"},
            {"Origin": "http://127.0.0.1:1"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            assert self.press(messy_server, pause, session, token, **headers) == 403
        assert self.state(messy_server) == "RUNNING"

    def test_unknown_buttons_are_not_found_and_get_presses_none(
        self, messy_server: ServerProcess
    ) -> None:
        session, token = self.open(messy_server)
        for path in ("sweeps/local/messy/wild/delete", "runs/local/messy/wild/stop", "x/y/z/w/v"):
            assert self.press(messy_server, path, session, token) == 404
        url = f"{messy_server.url}/actions/sweeps/local/messy/wild/pause"
        assert session.get(url, timeout=30).status_code == 405
        assert self.state(messy_server) == "RUNNING"

    def test_a_run_can_be_told_to_stop(self, messy_server: ServerProcess) -> None:
        session, token = self.open(messy_server)
        assert self.press(messy_server, "runs/local/messy/member5/stop", session, token) == 303
        assert "asked to stop" in messy_server.page("/local/messy/runs/member5").text.lower()


def test_hostile_texts_are_escaped_for_the_charting_library(messy_server: ServerProcess) -> None:
    found = json.dumps(figures(messy_server.page("/local/messy?run=hostile,member2").text))
    assert HOSTILE[:9] not in found
    assert "&lt;/script&gt;" in found
