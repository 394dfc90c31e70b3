"""What strangers can reach, send and read: next to nothing."""

import asyncio
import contextlib
import hmac
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from src.wandb_server.http.bodies import MAX_BODY
from src.wandb_server.http.doors import Visitor
from src.wandb_server.http.logins import Logins
from src.wandb_server.http.security import Guard
from src.wandb_server.store.blobs import MAX_UPLOAD
from tests.wandb_server.server_harness import ServerProcess

KEY = "k" * 40


def test_it_listens_on_the_loopback_interface_alone(server: ServerProcess) -> None:
    assert server.process is not None
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(server.process.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


def test_the_key_is_compared_in_constant_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compared: list[tuple[bytes, bytes]] = []
    original = hmac.compare_digest

    def compare(first: bytes, second: bytes) -> bool:
        compared.append((first, second))
        return original(first, second)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    visitors: list[Visitor] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        visitors.append(scope["state"]["visitor"])

    async def ignore(message: Any) -> None:
        pass

    guard = Guard(app, KEY, 8765, Logins(KEY, 8765, tmp_path / "followed"), public_pages=False)
    for key in (KEY, "k" * 39, "x"):
        authorization = f"Bearer {key}".encode()
        headers = [(b"host", b"127.0.0.1:8765"), (b"authorization", authorization)]
        scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": headers}
        asyncio.run(guard(scope, ignore, ignore))  # type: ignore[arg-type]
        assert compared[-1] == (key.encode(), KEY.encode())
    assert [Visitor.CLIENT in visitor for visitor in visitors] == [True, False, False]


def _head(server: ServerProcess, method: str, path: str, *headers: str) -> bytes:
    auth = requests.auth._basic_auth_str("api", server.key)
    host = f"Host: 127.0.0.1:{server.port}"
    lines = [f"{method} {path} HTTP/1.1", host, f"Authorization: {auth}", *headers, "", ""]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize("path", ["/graphql", "/files/local/p/r/file_stream"])
def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(
    server: ServerProcess, path: str
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(_head(server, "POST", path, f"Content-Length: {10 * 2**30}"))
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
        while connection.recv(4096):  # to the end: it does not wait for the body
            pass


def test_an_upload_that_says_it_is_too_large_is_refused_too(server: ServerProcess) -> None:
    server.graphql('mutation { upsertBucket(input: {name: "r"}) { inserted } }')
    url = server.graphql(
        'mutation { createRunFiles(input: {projectName: "gradsweep", runName: "r",'
        ' files: ["x"]}) { files { uploadUrl } } }'
    )["createRunFiles"]["files"][0]["uploadUrl"]
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        path = url.removeprefix(server.url)
        connection.sendall(_head(server, "PUT", path, f"Content-Length: {MAX_UPLOAD + 1}"))
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "sent", ["\0\r\n\r\n", "GET /healthz HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"]
)
def test_nobody_can_fill_the_log(server: ServerProcess, sent: str) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(
                sent.replace("\r\n", f"\r\nHost: 127.0.0.1:{server.port}\r\n", 1).encode()
            )
            assert connection.recv(100).startswith(b"HTTP/1.1 ")
    assert server.end() == 0
    assert server.output.endswith("Stop it with Ctrl-C.\n")


def test_a_body_without_end_is_cut_off(server: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(_head(server, "POST", "/graphql", "Transfer-Encoding: chunked"))
        chunk = b"100000\r\n" + b" " * 2**20 + b"\r\n"
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 2 * MAX_BODY:
                connection.sendall(chunk)
                sent += 2**20
        assert MAX_BODY <= sent < 2 * MAX_BODY
    assert requests.get(f"{server.url}/healthz", timeout=10).ok


def test_all_that_is_stored_is_for_its_owner_alone(server: ServerProcess) -> None:
    server.graphql('mutation { upsertBucket(input: {name: "r"}) { inserted noSuchField } }')
    url = server.graphql(
        'mutation { createRunFiles(input: {projectName: "gradsweep", runName: "r",'
        ' files: ["x"]}) { files { uploadUrl } } }'
    )["createRunFiles"]["files"][0]["uploadUrl"]
    assert requests.put(url, data=b"content", timeout=10).ok
    paths = [server.data, *server.data.rglob("*")]
    assert len(paths) > 6
    for path in paths:
        assert path.stat().st_mode & 0o077 == 0, path
    (server.data / "missing_fields.jsonl").unlink()  # the field was asked for on purpose


def test_what_others_have_put_into_a_shared_folder_is_neither_read_nor_written(
    tmp_path: Path, start_server: Callable[..., ServerProcess]
) -> None:
    data, victim = tmp_path / "data", tmp_path / "victim"
    data.mkdir()
    victim.write_text("precious")
    for name in (".api_key", ".followed_links", ".server.db"):
        (data / name).touch()
        (data / name).chmod(0o666)
    (data / ".server.json").symlink_to(victim)
    server = start_server(data=data)
    for name in ("api_key", "followed_links", "server.db", "server.json"):
        assert (data / name).stat().st_mode & 0o077 == 0, name
    assert server.key in (data / "server.json").read_text()
    assert victim.read_text() == "precious"


def test_a_key_that_was_copied_with_its_folder_is_private_again(
    tmp_path: Path, start_server: Callable[..., ServerProcess]
) -> None:
    (tmp_path / "api_key").write_text(f"{KEY}\n")
    (tmp_path / "api_key").chmod(0o644)
    server = start_server(data=tmp_path)
    assert server.record["api_key"] == KEY
    assert (tmp_path / "api_key").stat().st_mode & 0o777 == 0o600


def test_logged_text_is_plain_data_in_the_api_and_in_files(server: ServerProcess) -> None:
    script = "<script>alert(1)</script>"
    mutation = (
        "mutation($s: String) { upsertBucket(input: {name: $s, displayName: $s})"
        " { bucket { name displayName } } }"
    )
    body = {"query": mutation, "variables": {"s": script.replace("/", "")}}
    reply = requests.post(f"{server.url}/graphql", json=body, auth=("api", server.key), timeout=10)
    assert reply.headers["content-type"] == "application/json"
    assert reply.json()["data"]["upsertBucket"]["bucket"]["name"] == "<script>alert(1)<script>"
    refused = server.page(f"/{script}")
    assert "<script>alert" not in refused.text
    wrong = requests.post(
        f"{server.url}/graphql",
        data=json.dumps({"query": script}),
        auth=("api", server.key),
        timeout=10,
    )
    assert wrong.status_code == 400
    assert wrong.headers["content-type"] == "application/json"
    url = server.graphql(
        'mutation { upsertBucket(input: {name: "r"}) { inserted }'
        ' createRunFiles(input: {projectName: "gradsweep", runName: "r",'
        ' files: ["x.html"]}) { files { uploadUrl } } }'
    )["createRunFiles"]["files"][0]["uploadUrl"]
    requests.put(url, data=script.encode(), timeout=10).raise_for_status()
    page = requests.get(url, timeout=10)
    assert page.headers["content-type"] == "application/octet-stream"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert page.headers["content-disposition"] == "attachment"
