"""The HTTP routes."""

import base64
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from src.shared.live_server import PROOF_PATH, proof
from src.wandb_server.api import file_stream
from src.wandb_server.api.graphql import MissingFields, execute
from src.wandb_server.api.resolvers import roots
from src.wandb_server.context import Server
from src.wandb_server.dashboard.routes import not_found, page_routes
from src.wandb_server.errors import NotFoundError, RequestError, TooLargeError
from src.wandb_server.http.bodies import check_declared_size, json_body
from src.wandb_server.http.doors import ANYBODY, API, Door, KeyNeededError, LoginNeededError
from src.wandb_server.http.login_page import LoginPage, login_needed
from src.wandb_server.http.logins import Logins
from src.wandb_server.http.security import Guard
from src.wandb_server.http.storage_trouble import StorageTrouble
from src.wandb_server.metric import expressible
from src.wandb_server.store.blobs import MAX_UPLOAD
from src.wandb_server.store.errors import ConflictError, DamagedError, NotStoredError, UnfitError


def create_app(
    server: Server,
    missing: MissingFields,
    trouble: StorageTrouble,
    api_key: str,
    port: int,
    key_file: Path,
    *,
    public_pages: bool = False,
    **options: Any,
) -> Starlette:
    """The application.

    Args:
        server: The parts it serves.
        missing: Where GraphQL fields that nobody knows are recorded.
        trouble: Told when data cannot be stored, and when they can again.
        api_key: The key that clients must send.
        port: The port at which clients find it.
        key_file: Where the key is kept, which the dashboard tells.
        public_pages: Whether pages may be read without a login.
        options: Further arguments of Starlette.
    """
    routes = _Routes(server, missing, trouble)
    logins = Logins(api_key, port, key_file.with_name("followed_links"))

    async def storage_error(request: Request, error: Exception) -> Response:
        # Nothing half-written is left; the client sends the request again.
        trouble.begins(error)
        return JSONResponse({"error": f"the data cannot be stored: {error}"}, 503)

    return Starlette(
        routes=[
            Door(ANYBODY, "/healthz", routes.health),
            Door(ANYBODY, f"{PROOF_PATH}/{{nonce}}", _prover(api_key, port)),
            Door(API, "/graphql", routes.graphql, "POST"),
            Door(API, "/files/{entity}/{project}/{run}/file_stream", routes.file_stream, "POST"),
            Door(API, "/files/{entity}/{project}/{run}/{name:path}", routes.run_file),
            Door(API, "/artifacts/{entity}/{md5}", routes.artifact_content),
            Door(API, "/artifactsV2/{place:path}/{md5}/{name}", routes.artifact_content),
            # Their addresses are signed: whoever has one was given it with the key.
            Door(ANYBODY, "/storage/{blob}", routes.download),
            Door(ANYBODY, "/storage/{blob}", routes.upload, "PUT"),
            *LoginPage(logins, api_key).doors(),
            *page_routes(server, api_key, key_file),
        ],
        middleware=[Middleware(Guard, api_key, port, logins, public_pages=public_pages)],
        exception_handlers={
            404: not_found(server),
            KeyNeededError: _key_needed,
            LoginNeededError: login_needed,
            RequestError: _request_error,
            ClientDisconnect: _client_gone,
            ConflictError: _refused_with(409),
            UnfitError: _refused_with(400),
            DamagedError: _damaged,
            NotStoredError: storage_error,
            OSError: storage_error,
        },
        **options,
    )


def _prover(api_key: str, port: int) -> Callable[[Request], Awaitable[Response]]:
    """Shows a program that is about to send the key that this server knows it already."""

    async def prove(request: Request) -> Response:
        return PlainTextResponse(proof(api_key, port, request.path_params["nonce"]))

    return prove


class _Routes:
    def __init__(self, server: Server, missing: MissingFields, trouble: StorageTrouble) -> None:
        self._server = server
        self._missing = missing
        self._trouble = trouble

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def graphql(self, request: Request) -> Response:
        body = await json_body(request)
        server = replace(self._server, base_url=f"http://{request.headers['host']}")
        # Decoding, resolving and encoding all take time: none of it on the event loop.
        return await run_in_threadpool(self._execute, body, server)

    def _execute(self, body: Any, server: Server) -> Response:
        try:
            data = execute(body, roots(server), self._missing, self._stored)
            return JSONResponse({"data": expressible(data)})
        except NotFoundError as error:
            # An agent whose sweep is gone looks at the status.
            return _graphql_errors(error, 404)
        except (RequestError, UnfitError) as error:
            return _graphql_errors(error, 400)
        except ConflictError as error:
            return _graphql_errors(error, 409)  # a name that is taken, say

    async def file_stream(self, request: Request) -> Response:
        body = await json_body(request)
        server, at = self._server, request.path_params

        def respond() -> dict[str, Any]:
            # Read inside: nobody deletes or ends the run before this is stored.
            with self._stored():
                run = server.run_at(at["entity"], at["project"], at["run"])
                return file_stream.receive(server, run, body)

        return JSONResponse(await run_in_threadpool(respond))

    @contextmanager
    def _stored(self) -> Iterator[None]:
        """A transaction; when it is committed, the data can be stored."""
        with self._server.store.transaction():
            yield
        self._trouble.over()

    async def run_file(self, request: Request) -> Response:
        at, server = request.path_params, self._server

        def respond() -> Response:
            run = server.run_at(at["entity"], at["project"], at["run"])
            found = server.store.files.run_files(run.id, at["name"])
            if not found:
                raise NotFoundError("no such file")
            return self._content(found[0].blob_id)

        return await run_in_threadpool(respond)

    async def artifact_content(self, request: Request) -> Response:
        try:
            md5 = base64.b64encode(bytes.fromhex(request.path_params["md5"])).decode()
        except ValueError:
            raise NotFoundError("no such file") from None

        def respond() -> Response:
            blob = self._server.store.files.find_content(md5)
            if blob is None:
                raise NotFoundError("no such file")
            return self._content(blob.id)

        return await run_in_threadpool(respond)

    async def upload(self, request: Request) -> Response:
        blob_id = self._signed_blob(request)
        await run_in_threadpool(self._server.store.check_writable)
        check_declared_size(request, MAX_UPLOAD)
        blob = await run_in_threadpool(self._server.store.files.blob, blob_id)
        if blob is None:
            raise NotFoundError("no such file")
        size, md5 = await self._server.blobs.receive(blob_id, request.stream(), blob.expected_md5)
        await run_in_threadpool(self._server.store.files.received, blob_id, size, md5)
        self._trouble.over()
        return Response(status_code=200)

    async def download(self, request: Request) -> Response:
        return await run_in_threadpool(self._content, self._signed_blob(request))

    def _signed_blob(self, request: Request) -> str:
        blob_id: str = request.path_params["blob"]
        if not self._server.blobs.signed(blob_id, request.query_params.get("signature", "")):
            raise NotFoundError("no such file")
        return blob_id

    def _content(self, blob_id: str) -> Response:
        path = self._server.blobs.path(blob_id)
        if not path.is_file():
            raise NotFoundError("no such file")
        headers = {"Content-Disposition": "attachment"}
        return FileResponse(path, media_type="application/octet-stream", headers=headers)


def _graphql_errors(error: Exception, status: int) -> Response:
    return JSONResponse({"errors": [{"message": str(error)}], "data": None}, status)


async def _key_needed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error), "errors": [{"message": str(error)}]}, 401)


async def _request_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    # The rest of a body that is too large is not waited for.
    headers = {"Connection": "close"} if isinstance(error, TooLargeError) else None
    return JSONResponse({"error": str(error)}, error.status, headers)


def _refused_with(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handler(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, status)

    return handler


async def _damaged(request: Request, error: Exception) -> Response:
    # A client keeps what it could not send and tries again: it goes on when a backup is in place.
    return JSONResponse({"error": str(error), "errors": [{"message": str(error)}]}, 503)


async def _client_gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it; what had arrived of the body is dropped
