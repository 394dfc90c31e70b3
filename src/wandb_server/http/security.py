"""The API key, and the guard in front of every route."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from src.wandb_server.data_folder import usable, write_private

# What the client reads under addresses that it makes itself.
_CLIENT_PATHS = ("/files/", "/artifacts/", "/artifactsV2/")
# Signed addresses, and the buttons of our own pages with their tokens.
_CHECKED_BY_ROUTE = ("/storage/", "/actions/")
_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def load_api_key(path: Path) -> str:
    """The key in a file that only its owner can read; it is generated the first time.

    Raises:
        UserError: If it cannot be read.
    """
    if not path.exists():
        write_private(path, secrets.token_hex(20))
    with usable(path.parent):
        return path.read_text().strip()


class Guard:
    """Middleware: refuses foreign Host headers, and requests without the key unless they only look.

    Reading pages needs no key: they are served on the loopback interface alone, and the Host check
    keeps other sites' scripts from reading them through a name that resolves to it. Whatever
    changes state, and the whole client API, needs the key; a browser never sends it by itself, as
    it is never asked for one. Signed storage addresses and the buttons of our pages, which bring a
    token, are checked by their routes. What no route answers to needs none either: the router says
    404 or 405, and a client that probes for it does not take the answer for a wrong key.

    Args:
        app: The application.
        api_key: The key.
        port: The port that a Host header must name.
        routes: What the application answers to.
    """

    def __init__(self, app: ASGIApp, api_key: str, port: int, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._routes = routes
        self._key = api_key.encode()
        self._hosts = {f"{host}:{port}" for host in _HOSTS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an acceptable request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if headers.get("host", "").lower() not in self._hosts:
            await _refuse(421, "this server answers only to its loopback address")(
                scope, receive, send
            )
            return
        if not any(route.matches(scope)[0] is Match.FULL for route in self._routes):
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        open_to_all = path.startswith(_CHECKED_BY_ROUTE) or (
            scope["method"] in ("GET", "HEAD") and not path.startswith(_CLIENT_PATHS)
        )
        if not open_to_all and not self._has_key(headers):
            await _refuse(401, "the API key is missing or wrong")(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _has_key(self, headers: Headers) -> bool:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                value = base64.b64decode(value, validate=True).decode().partition(":")[2]
            except (binascii.Error, ValueError):
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(value.encode(), self._key)


def _refuse(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message, "errors": [{"message": message}]}, status)
