"""A real server in this process with something of everything: each of its routes has an address."""

import base64
import contextlib
import hashlib
import itertools
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from starlette.applications import Starlette

from src.wandb_server.api.graphql import MissingFields
from src.wandb_server.http.app import create_app
from src.wandb_server.http.serve import server_of
from src.wandb_server.http.storage_trouble import StorageTrouble
from tests.wandb_server.server_harness import free_port, logged_in, served

KEY = "k" * 40
CONTENT = b"content"
SWEEP = "{program: t.py, method: random, parameters: {x: {min: 0, max: 1}}}"
PROJECT = "/local/gradsweep"


class Everything:
    """The application, served, with requests for all that is in it.

    Attributes:
        server: The parts that it serves.
        trouble: Whether its data can be stored.
        app: The application.
        public: It once more, at a port of its own, with public pages.
        addresses: An address that exists, by the path of its route.
    """

    def __init__(self, data: Path, port: int, public_port: int) -> None:
        self._data = data
        self.url = f"http://127.0.0.1:{port}"
        self._public_url = f"http://127.0.0.1:{public_port}"
        self.trouble = StorageTrouble()
        self.server = server_of(data, KEY, crash_after=1000)
        self.app = self._app(port, public_pages=False)
        self.public = self._app(public_port, public_pages=True)
        self._fresh = itertools.count(1)

    def _app(self, port: int, *, public_pages: bool) -> Starlette:
        missing = MissingFields(self._data / "missing_fields.jsonl")
        key_file = self._data / "api_key"
        return create_app(
            self.server, missing, self.trouble, KEY, port, key_file, public_pages=public_pages
        )

    def fill(self) -> None:
        """Write a run with history and a file, an artifact, a sweep and a report."""
        self._graphql('mutation { upsertBucket(input: {name: "run"}) { inserted } }')
        sweep = self._graphql(
            'mutation($c: String) { upsertSweep(input: {projectName: "gradsweep", config: $c})'
            " { sweep { name } } }",
            c=SWEEP,
        )["upsertSweep"]["sweep"]["name"]
        view = self._graphql('mutation { upsertView(input: {type: "runs"}) { view { id } } }')
        file = self._graphql(
            'mutation { createRunFiles(input: {projectName: "gradsweep", runName: "run",'
            ' files: ["x.txt"]}) { files { uploadUrl } } }'
        )["createRunFiles"]["files"][0]["uploadUrl"]
        requests.put(file, data=CONTENT, timeout=30).raise_for_status()
        self._log_artifact()
        browser = logged_in(self.url, KEY)
        page = browser.get(f"{self.url}{PROJECT}/sweeps/{sweep}", timeout=30)
        [token] = set(re.findall(r'name="token" value="(\w+)"', page.text))
        [script] = re.findall(r'"(/static/\w+/dashboard\.js)"', page.text)
        storage, _, signature = file.removeprefix(self.url).partition("?signature=")
        md5 = hashlib.md5(CONTENT).hexdigest()
        report = view["upsertView"]["view"]["id"].rstrip("=")
        self._login = dict(browser.cookies)
        self._signature = signature
        self._proofs = {"/actions/": f"token={token}", "/login": f"key={KEY}&next=/"}
        self.addresses = {
            "/healthz": "/healthz",
            "/proof/{nonce}": f"/proof/{'0' * 64}",
            "/login": "/login",
            "/graphql": "/graphql",
            "/files/{entity}/{project}/{run}/file_stream": f"/files{PROJECT}/run/file_stream",
            "/files/{entity}/{project}/{run}/{name:path}": f"/files{PROJECT}/run/x.txt",
            "/artifacts/{entity}/{md5}": f"/artifacts/local/{md5}",
            "/artifactsV2/{place:path}/{md5}/{name}": f"/artifactsV2/a/b/{md5}/x.txt",
            "/storage/{blob}": storage,
            "/": "/",
            "/static/{digest}/{name}": script,
            "/actions/{kind}/{entity}/{project}/{name}/{button}": (
                f"/actions/sweeps{PROJECT}/{sweep}/pause"
            ),
            "/{entity}/{project}": PROJECT,
            "/{entity}/{project}/compare": f"{PROJECT}/compare?runs=run,run2",
            "/{entity}/{project}/sweeps/{sweep}": f"{PROJECT}/sweeps/{sweep}",
            "/{entity}/{project}/runs/{run}": f"{PROJECT}/runs/run",
            "/{entity}/{project}/reports/{report:path}": f"{PROJECT}/reports/--{report}",
            "/{entity}/{project}/runs/{run}/files/{name:path}": f"{PROJECT}/runs/run/files/x.txt",
            "/{entity}/{project}/artifacts/{artifact}/{name:path}": f"{PROJECT}/artifacts/1/x.txt",
            "/{entity}/{project}/{tab}": f"{PROJECT}/workspace",
        }

    def _log_artifact(self) -> None:
        self._graphql('mutation { upsertBucket(input: {name: "run2"}) { inserted } }')
        artifact = self._graphql(
            'mutation { createArtifact(input: {runName: "run", digest: "d", artifactTypeName: "t",'
            ' artifactCollectionName: "c"}) { artifact { id } } }'
        )["createArtifact"]["artifact"]["id"]
        digest = base64.b64encode(hashlib.md5(CONTENT).digest()).decode()
        entry = {"digest": digest, "size": len(CONTENT)}
        manifest = json.dumps({"contents": {"x.txt": entry}})
        addresses = [
            self._graphql(
                "mutation($a: String, $m: String) { createArtifactFiles(input: {artifactFiles:"
                ' [{artifactID: $a, name: "x.txt", md5: $m}]})'
                " { files { edges { node { uploadUrl } } } } }",
                a=artifact,
                m=digest,
            )["createArtifactFiles"]["files"]["edges"][0]["node"]["uploadUrl"],
            self._graphql(
                "mutation($a: String) { createArtifactManifest(input: {artifactID: $a,"
                ' name: "wandb_manifest.json"}) { artifactManifest { file { uploadUrl } } } }',
                a=artifact,
            )["createArtifactManifest"]["artifactManifest"]["file"]["uploadUrl"],
        ]
        for address, content in zip(addresses, (CONTENT, manifest.encode()), strict=True):
            requests.put(address, data=content, timeout=30).raise_for_status()
        self._graphql(
            "mutation($a: String) { commitArtifact(input: {artifactID: $a}) { artifact { id } } }",
            a=artifact,
        )

    def _graphql(self, query: str, **variables: str) -> Any:
        body = {"query": query, "variables": variables}
        reply = requests.post(f"{self.url}/graphql", json=body, auth=("api", KEY), timeout=30)
        assert reply.ok, reply.text
        return reply.json()["data"]

    def send(
        self,
        method: str,
        path: str,
        *,
        public: bool = False,
        key: str | None = None,
        login: bool = False,
        proof: bool = False,
        headers: dict[str, str] | None = None,
    ) -> requests.Response:
        """Send what a route takes.

        Args:
            method: The request's method.
            path: The route's path, as in the route table.
            public: Whether to send it where pages are public.
            key: The API key that is sent along.
            login: Whether it is sent by a browser that is logged in.
            proof: Whether the request brings what some routes ask for themselves: the signature of
                a stored content's address, the token of a page's button, the key in a form.
            headers: Further headers.
        """
        return requests.request(
            method,
            (self._public_url if public else self.url) + self.addresses[path],
            params={"signature": self._signature} if proof and path == "/storage/{blob}" else None,
            data=self._body(method, path, proof),
            cookies=self._login if login else None,
            auth=("api", key) if key is not None else None,
            headers=headers,
            allow_redirects=False,
            timeout=30,
        )

    def _body(self, method: str, path: str, proof: bool) -> bytes | None:
        """A body that changes something each time it is accepted."""
        fresh = next(self._fresh)
        for start, form in self._proofs.items():
            if path.startswith(start):
                return form.encode() if proof else b""
        if method == "PUT":
            return f"content {fresh}".encode()
        if path == "/graphql":
            name = f"fresh{fresh}"
            query = f'mutation {{ upsertBucket(input: {{name: "{name}"}}) {{ inserted }} }}'
            return json.dumps({"query": query}).encode()
        if path.endswith("/file_stream"):
            lines = {"offset": fresh, "content": [json.dumps({"_step": fresh})]}
            return json.dumps({"files": {"wandb-history.jsonl": lines}}).encode()
        return None

    def stored(self) -> list[Any]:
        """All that is kept: rows of the database, and files with their contents."""
        with contextlib.closing(sqlite3.connect(self._data / "server.db")) as db:
            rows = list(db.iterdump())
        files = sorted(self._data.rglob("*"))
        return rows + [(p, p.read_bytes()) for p in files if p.is_file() and ".db" not in p.suffix]


@contextlib.contextmanager
def serve_everything(data: Path) -> Iterator[Everything]:
    """Serve it while the context lasts."""
    with free_port() as listener, free_port() as public:
        everything = Everything(data, listener.getsockname()[1], public.getsockname()[1])
        with served(everything.app, listener), served(everything.public, public):
            everything.fill()
            yield everything
