"""What the store refuses, as clients and the log see it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from src.wandb_server.store.errors import NotStoredError
from tests.wandb_server.http.everything import KEY, Everything, serve_everything

HISTORY = """query($spec: String) {
  project(name: "gradsweep") { run(name: "run") { sampledHistory(specs: [$spec]) } }
}"""
MUTATION = 'mutation { upsertBucket(input: {name: "run"}) { inserted } }'


@pytest.fixture
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    with serve_everything(tmp_path_factory.mktemp("statuses")) as served:
        yield served


def post(everything: Everything, path: str, body: Any) -> requests.Response:
    return requests.post(everything.url + path, json=body, auth=("api", KEY), timeout=30)


def test_a_number_of_too_many_bits_is_the_clients_fault(everything: Everything) -> None:
    variables = {"spec": json.dumps({"maxStep": 2**63 - 1})}
    reply = post(everything, "/graphql", {"query": HISTORY, "variables": variables})
    assert reply.status_code == 400
    [error] = reply.json()["errors"]
    assert error["message"].startswith("a value cannot be stored: ")


@pytest.mark.parametrize(
    ("path", "body"),
    [("/graphql", {"query": MUTATION}), ("/files/local/gradsweep/run/file_stream", {})],
)
def test_the_end_of_a_full_disk_is_in_the_log_after_the_first_write(
    everything: Everything, caplog: pytest.LogCaptureFixture, path: str, body: Any
) -> None:
    everything.trouble.begins(NotStoredError("the disk is full"))
    post(everything, path, body).raise_for_status()
    assert caplog.messages.count("the data can be stored again") == 1
