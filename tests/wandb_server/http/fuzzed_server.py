"""A server with something of everything in it, to send malformed requests to."""

import http.client
import json
import sqlite3
from typing import Any, ClassVar

import requests

from src.wandb_server.api.ids import encode_id
from tests.wandb_server.http.fuzz_inputs import SWEEP
from tests.wandb_server.server_harness import ServerProcess


class Fuzzed:
    """A server with something of everything in it, whose answers and data are watched."""

    sent: ClassVar[int] = 0

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.auth = requests.auth._basic_auth_str("api", server.key)
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self._db = sqlite3.connect(server.data / "server.db", check_same_thread=False)
        self._fill()
        self._version, self._dump = self._data_version(), self.dump()
        self.changes = 0

    def _fill(self) -> None:
        graphql = self.server.graphql
        graphql('mutation { upsertBucket(input: {name: "kept", config: "{}"}) { inserted } }')
        graphql('mutation { upsertBucket(input: {name: "other"}) { inserted } }')
        graphql(
            'mutation($c: String) { upsertSweep(input: {projectName: "gradsweep", config: $c})'
            " { clientMutationId } }",
            c=SWEEP,
        )
        sweep = encode_id("Sweep", 1)
        graphql(
            'mutation($s: String) { createAgent(input: {projectName: "gradsweep", sweep: $s,'
            ' host: "h"}) { agent { id } } }',
            s=sweep,
        )
        graphql(
            'mutation { createArtifact(input: {entityName: "local", projectName: "gradsweep",'
            ' runName: "kept", digest: "d", artifactTypeName: "t", artifactCollectionName: "c"})'
            " { artifact { id } } }"
        )
        files = graphql(
            'mutation { createRunFiles(input: {projectName: "gradsweep", runName: "kept",'
            ' files: ["x.txt"]}) { files { uploadUrl } } }'
        )["createRunFiles"]["files"]
        self.upload = files[0]["uploadUrl"].removeprefix(self.server.url)
        requests.put(files[0]["uploadUrl"], data=b"content", timeout=10).raise_for_status()
        line = '{"_step": 0, "x": 1, "nested": {"y": [1, NaN]}}'
        body = {"files": {"wandb-history.jsonl": {"offset": 0, "content": [line]}}}
        stream = f"{self.server.url}/files/local/gradsweep/kept/file_stream"
        requests.post(
            stream, json=body, auth=("api", self.server.key), timeout=10
        ).raise_for_status()

    def _data_version(self) -> int:
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def dump(self) -> list[str]:
        return list(self._db.iterdump())

    def send(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        authorised: bool = True,
    ) -> int:
        """Send a request; fails on a 5xx, and on a change by a request that was refused."""
        given = {"Host": f"127.0.0.1:{self.server.port}", "Content-Length": str(len(body))}
        if authorised:
            given["Authorization"] = self.auth
        given |= headers or {}
        status, content = self._exchange(method, target, body, given)
        Fuzzed.sent += 1
        assert status < 500, (method, target, body, content)
        refused = status >= 400 or not authorised
        if (version := self._data_version()) != self._version:
            before, self._dump, self._version = self._dump, self.dump(), version
            assert not refused or before == self._dump, (method, target, body, content)
            self.changes += before != self._dump
        return status

    def _exchange(
        self, method: str, target: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        connection = self._connection
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value.encode("latin-1", "replace"))
            connection.endheaders(body)
            reply = connection.getresponse()
            return reply.status, reply.read()
        except TimeoutError:
            connection.close()
            raise AssertionError(f"no answer to {method} {target} {body!r}") from None
        except (http.client.RemoteDisconnected, ConnectionError):
            connection.close()  # a kept connection that has ended meanwhile
            return self._exchange(method, target, body, headers)

    def graphql(self, query: str, variables: Any) -> int:
        body = json.dumps({"query": query, "variables": variables})
        return self.send("POST", "/graphql", body.encode("utf-8", "surrogatepass"))
