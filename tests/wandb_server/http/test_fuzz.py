"""Thousands of malformed requests: none gets a 5xx, none that is refused leaves a trace."""

import contextlib
import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.wandb_server.api.ids import encode_id
from tests.wandb_server.http.fuzz_inputs import (
    ARGUMENTS,
    BYTES,
    INPUTS,
    JSON,
    MUTATIONS,
    NASTY_TEXTS,
    SCALARS,
    SELECTIONS,
    VALID,
)
from tests.wandb_server.http.fuzzed_server import Fuzzed
from tests.wandb_server.server_harness import ServerProcess

SETTINGS = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    server = ServerProcess(tmp_path_factory.mktemp("fuzz") / "data", "--crash_after", "100000")
    server.start()
    yield Fuzzed(server)
    # Whatever was sent: still healthy, nothing in the log, nothing outside of its folder.
    assert requests.get(f"{server.url}/healthz", timeout=5).ok
    assert server.page("/local/gradsweep").ok
    assert server.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert not list(server.data.glob("files/upload-*"))
    assert [path.name for path in server.data.parent.iterdir()] == ["data"]
    assert server.end() == 0
    (server.data / "missing_fields.jsonl").unlink(missing_ok=True)  # asked for on purpose
    log = server.output.partition("Stop it with Ctrl-C.\n")[2].splitlines()
    assert log == [], "no tracebacks"


@settings(SETTINGS, max_examples=1200)
@given(
    field=st.sampled_from(MUTATIONS),
    left_out=st.sets(st.sampled_from([*VALID, "id", "id"]), max_size=3),
    wrong=st.dictionaries(st.sampled_from(ARGUMENTS), JSON, max_size=3),
    wrapped=st.integers(0, 3),
)
def test_mutations_with_wrong_values_in_every_place(
    fuzzed: Fuzzed, field: str, left_out: set[str], wrong: dict[str, Any], wrapped: int
) -> None:
    valid = {} if field.startswith("delete") else VALID
    mixed = {name: value for name, value in valid.items() if name not in left_out} | wrong
    if wrapped:
        query = f"mutation M($input: Any) {{ {field}(input: $input) {{ clientMutationId }} }}"
        fuzzed.graphql(query, {"input": mixed})
    else:
        arguments = ", ".join(f"{name}: ${name}" for name in mixed) or "x: 1"
        fuzzed.graphql(f"mutation M {{ {field}({arguments}) {{ __typename }} }}", mixed)


ROOTS = (
    "",
    'project(name: "gradsweep", entityName: "local")',
    'project(name: "gradsweep") { run(name: "kept")',
    'project(name: "gradsweep") { runs(first: 2) { edges { node',
    f'project(name: "gradsweep") {{ sweep(sweepName: "{encode_id("Sweep", 1)}")',
    f'artifact(id: "{encode_id("Artifact", 1)}")',
)


@settings(SETTINGS, max_examples=600)
@given(root=st.sampled_from(ROOTS), selection=SELECTIONS, variables=INPUTS)
def test_queries_of_any_shape(
    fuzzed: Fuzzed, root: str, selection: str, variables: dict[str, Any]
) -> None:
    fuzzed.graphql(f"query {{ {root} {selection} {'}' * root.count('{')} }}", variables)


@settings(SETTINGS, max_examples=400)
@given(
    body=st.one_of(
        JSON,
        st.fixed_dictionaries(
            {},
            optional={
                "files": st.dictionaries(
                    st.sampled_from(
                        ["wandb-history.jsonl", "wandb-events.jsonl", "output.log", "x"]
                    ).flatmap(lambda name: st.just(name) | st.just("wandb-summary.json")),
                    st.fixed_dictionaries(
                        {},
                        optional={
                            "offset": SCALARS | st.integers(0, 3),
                            "content": st.lists(
                                JSON | st.builds(json.dumps, JSON) | BYTES.map(str), max_size=3
                            ),
                        },
                    )
                    | JSON,
                    max_size=3,
                ),
                "complete": SCALARS,
                "exitcode": SCALARS,
                "preempting": SCALARS,
                "uploaded": JSON,
            },
        ),
    )
)
def test_file_stream_bodies_of_any_shape(fuzzed: Fuzzed, body: Any) -> None:
    encoded = json.dumps(body).encode()
    fuzzed.send("POST", "/files/local/gradsweep/kept/file_stream", encoded)


SEGMENTS = st.sampled_from(
    [
        *NASTY_TEXTS,
        "graphql",
        "files",
        "file_stream",
        "storage",
        "runs",
        "sweeps",
        "artifacts",
        "reports",
    ]
) | st.text(max_size=8)
ROUTES = (
    *("/graphql", "/healthz", "/storage/{}", "/files/{}/{}/{}/file_stream", "/files/{}/{}/{}/{}"),
    *(
        "/proof/{}",
        "/files/local/gradsweep/kept/{}",
        "/artifacts/{}/{}",
        "/artifactsV2/{}/{}/{}",
        "/{}",
        "/{}/{}",
    ),
    *(
        "/local/gradsweep/runs/{}",
        "/local/gradsweep/sweeps/{}",
        "/local/gradsweep/{}",
        "/static/{}",
    ),
    *("/actions/{}/{}/{}/{}/{}", "/local/gradsweep/reports/{}", "/local/gradsweep/runs/kept/{}"),
    *("/local/gradsweep?{}={}", "/local/gradsweep/runs/kept?{}", "/local/gradsweep/compare?run={}"),
)
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "FOO")


@st.composite
def targets(draw: st.DrawFn) -> str:
    route = draw(st.sampled_from(ROUTES))
    safe = draw(st.sampled_from(["", "/.=&"]))
    parts = [quote(draw(SEGMENTS), safe, errors="replace") for _ in range(route.count("{}"))]
    return str(route.format(*parts))


@settings(SETTINGS, max_examples=500)
@given(method=st.sampled_from(METHODS), target=targets(), body=BYTES)
def test_any_method_at_any_address(fuzzed: Fuzzed, method: str, target: str, body: bytes) -> None:
    fuzzed.send(method, target, body)


BAD_CREDENTIALS = st.sampled_from(
    [
        "",
        "Basic",
        "Basic !!",
        "Basic " + "A" * 3000,
        "Bearer",
        "Bearer 0",
        "Negotiate x",
        "Basic /w==",
    ]
) | st.text(max_size=12)
FOREIGN_HOSTS = ("evil.example", "127.0.0.1", "127.0.0.1:1", "localhost:80", "[::1]", "", "\x7f")


@settings(SETTINGS, max_examples=400)
@given(
    method=st.sampled_from(METHODS),
    target=targets(),
    credentials=BAD_CREDENTIALS.filter(lambda text: "\n" not in text and "\r" not in text),
    mutation=st.sampled_from(MUTATIONS),
    host=st.none() | st.sampled_from(FOREIGN_HOSTS),
)
def test_without_the_key_or_with_a_foreign_host_nothing_changes(
    fuzzed: Fuzzed, method: str, target: str, credentials: str, mutation: str, host: str | None
) -> None:
    body = json.dumps({"query": f"mutation($i: X) {{ {mutation}(input: $i) {{ id }} }}"}).encode()
    headers = {"Authorization": credentials}
    if host is not None:
        headers = {"Authorization": fuzzed.auth, "Host": host}
    for where, how in ((target, method), ("/graphql", "POST")):
        status = fuzzed.send(how, where, body, headers, authorised=False)
        assert host is None or 400 <= status < 500
        assert where != "/graphql" or how != "POST" or 400 <= status < 500


@settings(SETTINGS, max_examples=300)
@given(
    body=st.one_of(BYTES, JSON.map(lambda value: json.dumps(value).encode())),
    cut=st.integers(0, 400),
)
def test_bodies_that_are_not_what_they_say(fuzzed: Fuzzed, body: bytes, cut: int) -> None:
    packed = gzip.compress(gzip.compress(body)) if cut % 3 == 0 else gzip.compress(body)
    for encoding, sent in (("gzip", packed[:cut]), ("gzip", body), ("deflate", packed), ("", body)):
        headers = {"Content-Encoding": encoding} if encoding else {}
        for path in ("/graphql", "/files/local/gradsweep/kept/file_stream"):
            fuzzed.send("POST", path, sent, headers)


def test_special_documents_get_an_error(fuzzed: Fuzzed) -> None:
    aliases = " ".join(f"a{i}: viewer {{ id }}" for i in range(30_000))
    cycle = "query { viewer { ...A } } fragment A on User { ...B } fragment B on User { ...A }"
    wide = " ".join(f"fragment F{i} on User {{ ...F{i + 1} ...F{i + 1} }}" for i in range(30))
    wide += " fragment F30 on User { id }"
    doubling = " ".join(
        f"fragment G{i} on Sweep {{ a: project {{ s: sweep(sweepName: $s) {{ ...G{i + 1} }} }}"
        f" b: project {{ s: sweep(sweepName: $s) {{ ...G{i + 1} }} }} }}"
        for i in range(19)
    )
    doubling = (
        f'query {{ project(name: "gradsweep") {{ sweep(sweepName: $s) {{ ...G0 }} }} }} {doubling}'
    )
    doubling += " fragment G19 on Sweep { id }"
    long = " ".join(
        f"fragment L{i} on X {{ {'... { ' * 100} ...L{i + 1} {'}' * 100} }}" for i in range(30)
    )
    long = "{ viewer { ...L0 } } fragment L30 on X { id } " + long
    deep = "{ project " * 500 + "}" * 500
    for query in (
        *("query { " + aliases + " }", cycle, deep, "query { viewer { ...F0 } } " + wide),
        *(doubling, long),
        *("query X { viewer { id } } query X { viewer { id } }", "subscription { x }"),
        "mutation { nothing { x } }",
        *("{ __schema", "{ project(name: " + "[" * 5000, "\ufeff", "#", '"' * 1000),
        *('{ project(name: "gradsweep") { run(name: "kept") } }', "{ a " * 100_000),
    ):
        assert 400 <= fuzzed.graphql(query, {"s": encode_id("Sweep", 1)}) < 500, query[:80]
    pattern = "%a" * 40 + "b"  # would take for ever if it were matched by trying everything
    files = 'run(name: "kept") { files(pattern: $p) { edges { cursor } } }'
    name = 'mutation { createRunFiles(input: {projectName: "gradsweep", runName: "kept", files: ["'
    name += "a" * 4000 + '"]}) { files { uploadUrl } } }'
    url = fuzzed.server.graphql(name)["createRunFiles"]["files"][0]["uploadUrl"]
    requests.put(url, data=b"x", timeout=10).raise_for_status()
    assert fuzzed.graphql(f'{{ project(name: "gradsweep") {{ {files} }} }}', {"p": pattern}) == 200
    bomb = gzip.compress(b" " * (100 * 2**20))
    for body in (bomb, gzip.compress(bomb)):
        headers = {"Content-Encoding": "gzip"}
        assert 400 <= fuzzed.send("POST", "/graphql", body, headers) < 500
    half = b'{"files": {"output.log": {"content": ["\\ud83d"]}}}'
    assert fuzzed.send("POST", "/files/local/gradsweep/kept/file_stream", half) == 400


def test_signed_addresses_are_good_for_nothing_else(fuzzed: Fuzzed) -> None:
    path, _, query = fuzzed.upload.partition("?")
    other = path[:-1] + ("0" if path[-1] != "0" else "1")
    for target in (
        f"{other}?{query}",
        path,
        f"{path}?signature=",
        f"{path}?{query}0",
        f"{path}/..?{query}",
    ):
        for method in ("PUT", "GET"):
            status = fuzzed.send(method, target, b"evil", {"Authorization": ""}, authorised=False)
            assert 400 <= status < 500, target
    assert urlsplit(fuzzed.upload).query


def test_headers_without_end_are_cut_off(fuzzed: Fuzzed) -> None:
    with socket.create_connection(("127.0.0.1", fuzzed.server.port), timeout=30) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):
                connection.sendall(b"x" * 10_000)
            raise AssertionError("10 MB of a header were taken")


def test_what_was_accepted_can_be_looked_at(fuzzed: Fuzzed) -> None:
    paths = ["/"]
    for project in fuzzed.server.rows("SELECT * FROM projects"):
        base = "/" + quote(project["entity"], "") + "/" + quote(project["name"], "")
        paths.append(base)
        for table, kind in (("runs", "runs"), ("sweeps", "sweeps"), ("views", "reports")):
            sql = f"SELECT name FROM {table} WHERE project_id = ? ORDER BY id DESC LIMIT 40"
            rows = fuzzed.server.rows(sql, project["id"])
            paths += [f"{base}/{kind}/{quote(row['name'], '')}" for row in rows]
    assert fuzzed.changes > 50, "enough of it was accepted"
    for path in paths:
        fuzzed.send("GET", path)
    assert fuzzed.send("GET", "/local/gradsweep/runs/kept") == 200


def test_at_least_two_thousand_requests_were_sent(fuzzed: Fuzzed) -> None:
    if Fuzzed.sent:  # none if this test is run alone
        assert Fuzzed.sent >= 2000
