"""The API key, and the guard in front of all routes."""

import base64
import binascii
import hmac
import os
import re
import secrets
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from src.shared.errors import UserError
from src.wandb_server.data_folder import usable, write_private
from src.wandb_server.http.doors import Visitor
from src.wandb_server.http.logins import Logins

_KEY = re.compile(r"[!-~]{40,}")  # the client takes no shorter one
_HOSTS = ("127.0.0.1", "localhost", "[::1]")
# Of every answer that says nothing else: what was logged is data, never a page of this origin.
_HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


def load_api_key(path: Path) -> str:
    """The key in a file that only its owner can read; it is generated the first time.

    Raises:
        UserError: If it cannot be read, is no key, or is another user's.
    """
    if not path.exists():
        write_private(path, secrets.token_hex(20))
    with usable(path.parent):
        key, file = path.read_text(errors="replace").strip(), path.stat()
        of_folder = path.parent.stat().st_uid
        if file.st_uid == os.geteuid():
            path.chmod(0o600)  # a copy of a folder may not be as private
    if not _KEY.fullmatch(key):
        raise UserError(f"{path} holds no API key (40 characters or more); remove it for a new one")
    if file.st_uid not in (os.geteuid(), of_folder):
        raise UserError(f"{path} is another user's, who knows the key; remove it for a new one")
    return key


class Guard:
    """Middleware: refuses foreign Host headers, and tells the routes who visits.

    The Host check keeps other sites' scripts from reading anything through a name that resolves to
    the loopback. What a visitor may do is said by each route (``doors.py``).

    Args:
        app: The application.
        api_key: The key.
        port: The port that a Host header must name.
        logins: Which browsers are logged in.
        public_pages: Whether pages may be read without a login.
    """

    def __init__(
        self, app: ASGIApp, api_key: str, port: int, logins: Logins, *, public_pages: bool
    ) -> None:
        self._app = app
        self._key = api_key.encode()
        self._hosts = {f"{host}:{port}" for host in _HOSTS}
        self._logins = logins
        self._anybody = Visitor.STRANGER | (Visitor.GUEST if public_pages else Visitor(0))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on that names this server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)

        async def send_harmless(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HARMLESS.items():
                    headers.setdefault(name, value)
            await send(message)

        if connection.headers.get("host", "").lower() not in self._hosts:
            refusal = {"error": "this server answers only to its loopback address"}
            await JSONResponse(refusal, 421)(scope, receive, send_harmless)
            return
        login = self._logins.login(connection)
        visitor = self._anybody
        if self._has_key(connection.headers):
            visitor |= Visitor.CLIENT
        if login:
            visitor |= Visitor.BROWSER
        connection.state.visitor, connection.state.login = visitor, login
        await self._app(scope, receive, send_harmless)

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
