"""What the server answers to requests, good and bad ones."""

import gzip
import json
import socket

import pytest
import requests

from tests.wandb_server.server_harness import ServerProcess, wait_for

VIEWER = "query Viewer { viewer { username } }"


def _post(server: ServerProcess, path: str = "/graphql", **options: object) -> requests.Response:
    defaults: dict[str, object] = {"auth": ("api", server.key), "timeout": 30}
    return requests.post(server.url + path, **(defaults | options))  # type: ignore[arg-type]


def test_health_needs_no_key_but_the_api_does(server: ServerProcess) -> None:
    assert requests.get(f"{server.url}/healthz", timeout=10).json() == {"status": "ok"}
    body = {"query": VIEWER}
    assert _post(server, json=body).json() == {"data": {"viewer": {"username": "local"}}}
    for auth in (None, ("api", "0" * 40), ("api", ""), ("api", "ü")):
        assert _post(server, json=body, auth=auth).status_code == 401
    for header in ("Basic !!", "Basic", "Bearer", "Nonsense x", "Basic /w=="):
        reply = _post(server, json=body, auth=None, headers={"Authorization": header})
        assert reply.status_code == 401, header


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1"]
)
def test_a_foreign_host_header_is_refused(server: ServerProcess, host: str) -> None:
    headers = {"Host": host.format(port=server.port)}
    assert requests.get(server.url, headers=headers, timeout=10).status_code == 421
    assert _post(server, json={"query": VIEWER}, headers=headers).status_code == 421


def test_localhost_is_answered_too(server: ServerProcess) -> None:
    assert requests.get(f"http://localhost:{server.port}/healthz", timeout=10).ok


def test_malformed_requests_get_a_clean_4xx(server: ServerProcess) -> None:
    deep = "query { viewer " + "{ a " * 3000 + "} " * 3001 + "}"
    bodies: list[bytes] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"query": 1}',
        b'{"query": "query {"}',
        b'{"query": "subscription { x }"}',
        b'{"query": "query A { viewer { id } } query B { viewer { id } }"}',
        b'{"query": "query { viewer { ...F } } fragment F on User { ...F }"}',
        b'{"query": "query { viewer { ...Unknown } }"}',
        b'{"query": "query { viewer { username { deeper } } }"}',
        b'{"query": "query($v: Int) { viewer { id } }", "variables": []}',
        json.dumps({"query": deep}).encode(),
        b"[" * 100_000,
        b'{"query": "{ viewer { id } }", "variables": {"x": "\\ud800"}}',
    ]
    for body in bodies:
        assert 400 <= _post(server, data=body).status_code < 500, body[:60]
    for mutation in (
        "agentHeartbeat(input: {id: 3})",
        'agentHeartbeat(input: {id: "QWdlbnQ6OTk="})',
        'agentHeartbeat(input: {id: "QWdlbnQ6OTk=", runState: "["})',
        "agentHeartbeat",
        'upsertBucket(input: {name: "a/b"})',
        'upsertBucket(input: {name: "r", modelName: ".."})',
        'upsertBucket(input: {name: "r", config: "["})',
        'upsertBucket(input: {name: "r", config: 3})',
        'upsertBucket(input: {name: "r", tags: [1]})',
        'upsertBucket(input: {id: "nonsense"})',
        'upsertSweep(input: {config: ": ["})',
        'upsertSweep(input: {config: "- 1"})',
        'upsertSweep(input: {state: "RUNNING"})',
        'createArtifact(input: {digest: "x"})',
        'createArtifact(input: {digest: "x", artifactTypeName: "t", artifactCollectionName: "c",'
        ' metadata: "["})',
        'commitArtifact(input: {artifactID: "QXJ0aWZhY3Q6OTk="})',
    ):
        reply = _post(server, json={"query": f"mutation {{ {mutation} {{ clientMutationId }} }}"})
        assert 400 <= reply.status_code < 500, mutation
        assert reply.json()["errors"][0]["message"]
    assert server.rows("SELECT * FROM runs") == []


def test_file_stream_bodies_are_checked_before_anything_is_stored(server: ServerProcess) -> None:
    server.graphql('mutation { upsertBucket(input: {name: "r"}) { inserted } }')
    good = {"offset": 0, "content": ['{"_step": 0}']}
    bad: list[object] = [
        [],
        {"files": []},
        {"files": {"wandb-history.jsonl": 3}},
        {"files": {"wandb-history.jsonl": {"offset": -1, "content": []}}},
        {"files": {"wandb-history.jsonl": {"offset": 2**60, "content": []}}},
        {"files": {"wandb-history.jsonl": {"offset": "0", "content": []}}},
        {"files": {"wandb-history.jsonl": {"offset": 0, "content": [1]}}},
        {"files": {"wandb-events.jsonl": good, "wandb-history.jsonl": {"content": ["{"]}}},
        {"files": {"wandb-history.jsonl": {"offset": 0, "content": ['{"x": "\\ud800"}']}}},
        {"files": {"wandb-events.jsonl": good, "wandb-summary.json": {"content": ["[]"]}}},
    ]
    for body in bad:
        reply = _post(server, "/files/local/gradsweep/r/file_stream", json=body)
        assert 400 <= reply.status_code < 500, body
    assert server.rows("SELECT * FROM lines") == []
    assert _post(server, "/files/local/gradsweep/none/file_stream", json={}).status_code == 404


def test_compressed_bodies_are_read_and_bombs_refused(server: ServerProcess) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    body = gzip.compress(json.dumps({"query": VIEWER}).encode())
    assert _post(server, data=body, headers=headers).ok
    bomb = gzip.compress(b" " * (200 * 2**20))
    assert len(bomb) < 2**20
    assert _post(server, data=bomb, headers=headers).status_code == 413
    assert _post(server, data=b"no gzip", headers=headers).status_code == 400


def test_uploads_stay_inside_the_data_folder(server: ServerProcess) -> None:
    server.graphql('mutation { upsertBucket(input: {name: "r"}) { inserted } }')
    query = (
        "mutation($files: [String!]!) { createRunFiles(input:"
        ' {projectName: "gradsweep", runName: "r", files: $files}) { files { name uploadUrl } } }'
    )
    for name in ("../x", "a/../../x", "/etc/x", "..\\x", "", "a\0b"):
        reply = _post(server, json={"query": query, "variables": {"files": [name]}})
        assert reply.status_code == 400, name
    url = server.graphql(query, files=["sub/x.txt"])["createRunFiles"]["files"][0]["uploadUrl"]
    assert requests.put(url, data=b"content", timeout=10).ok
    assert requests.get(url, timeout=10).content == b"content"
    path, _, _ = url.partition("?")
    assert requests.put(path, data=b"other", timeout=10).status_code == 404
    assert requests.put(f"{path}?signature=0", data=b"other", timeout=10).status_code == 404
    for bad in ("/storage/../../x", "/storage/%2e%2e%2fx", "/files/local/gradsweep/r/..%2f..%2fx"):
        request = requests.Request("GET", server.url, auth=("api", server.key)).prepare()
        request.url = server.url + bad  # as it is, not normalised by the library
        assert requests.Session().send(request, timeout=10).status_code == 404, bad
    inside = [p for p in server.data.rglob("*") if p.is_file() and p.read_bytes() == b"content"]
    assert len(inside) == 1
    assert inside[0].is_relative_to(server.data / "files")


def test_logged_text_is_escaped_on_every_page(server: ServerProcess) -> None:
    script = "<script>alert(1)</script>"
    server.graphql(
        'mutation($s: String, $j: JSONString) { upsertBucket(input: {name: "r",'
        " displayName: $s, notes: $s, tags: [$s], config: $j}) { inserted } }",
        s=script,
        j=json.dumps({script: {"value": script}}),
    )
    line = json.dumps({"_step": 0, script: script})
    body = {
        "files": {
            "wandb-history.jsonl": {"offset": 0, "content": [line]},
            "output.log": {"offset": 0, "content": [script]},
        }
    }
    assert _post(server, "/files/local/gradsweep/r/file_stream", json=body).ok
    for path in ("/", "/local/gradsweep", "/local/gradsweep/runs/r"):
        page = server.page(path)
        assert page.ok, path
        assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text


def test_pages_that_do_not_exist_are_404(server: ServerProcess) -> None:
    for path in ("/x", "/local/none", "/local/gradsweep/runs/r", "/local/gradsweep/sweeps/s"):
        assert server.page(path).status_code == 404


def test_an_upload_that_breaks_off_leaves_nothing_behind(server: ServerProcess) -> None:
    server.graphql('mutation { upsertBucket(input: {name: "r"}) { inserted } }')
    url = server.graphql(
        'mutation { createRunFiles(input: {projectName: "gradsweep", runName: "r",'
        ' files: ["x"]}) { files { uploadUrl } } }'
    )["createRunFiles"]["files"][0]["uploadUrl"]
    path = url.removeprefix(server.url)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 99\r\n\r\n"
        connection.sendall(head.encode() + b"the beginning")
        wait_for(lambda: list(server.data.glob("files/upload-*")), "the upload begins")
    wait_for(lambda: not list(server.data.glob("files/upload-*")), "the upload is dropped")
    assert requests.get(url, timeout=10).status_code == 404
    assert server.end() == 0
    assert server.output.count("Traceback") == 0


def test_odd_but_valid_json_in_a_run_can_be_read_back(server: ServerProcess) -> None:
    config = json.dumps({"plain": 3, "_wandb": "text", "list": [1]})
    server.graphql(
        'mutation($c: JSONString) { upsertBucket(input: {name: "r", config: $c}) { inserted } }',
        c=config,
    )
    lines = ['{"_step": "one", "x": NaN}', '{"_step": 1e400}', '{"_step": [1], "x": {}}', "{}"]
    body = {
        "files": {
            "wandb-history.jsonl": {"offset": 0, "content": lines},
            "wandb-events.jsonl": {"offset": 0, "content": ['{"system.cpu": Infinity}']},
            "wandb-summary.json": {"offset": 0, "content": ['{"x": NaN}']},
        }
    }
    assert _post(server, "/files/local/gradsweep/r/file_stream", json=body).ok
    run = server.graphql(
        'query { project(name: "gradsweep") { run(name: "r") { config summaryMetrics historyKeys'
        ' systemMetrics wandbConfig(keys: ["t"]) history sampledHistory(specs: ["{}"])'
        ' parquetHistory(liveKeys: ["x"]) { liveData } } runs(order: "-summary_metrics.x",'
        ' filters: "{\\"config.plain\\": 3}") { edges { node { name } } } } }'
    )["project"]
    assert run["run"]["config"] == config
    assert run["run"]["historyKeys"]["keys"]["x"]["typeCounts"][0] == {"type": "number", "count": 1}
    assert [edge["node"]["name"] for edge in run["runs"]["edges"]] == ["r"]
    assert server.page("/local/gradsweep/runs/r").ok
