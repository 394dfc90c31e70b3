"""Buttons: what a browser may change, and the token that it must send with it.

Reading pages needs no login: the server listens on the loopback interface alone, and its Host check
keeps other sites from reading them. A change needs a token that only our pages hold, so no other
site can press a button in the user's browser: an HMAC, by the API key, of a random cookie. Sites
on other ports share our cookies but can neither read our pages nor compute the token. The cookie
is also SameSite, and a request that a browser says comes from elsewhere is refused outright.
Tokens survive a restart of the server.
"""

import hashlib
import hmac
import re
import secrets
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from src.wandb_server.context import Server
from src.wandb_server.dashboard.addresses import run_url, sweep_url
from src.wandb_server.errors import NotFoundError, RequestError, TooLargeError
from src.wandb_server.states import SweepState
from src.wandb_server.store.projects import Project
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep

MAX_FORM = 4096
_NONCE = re.compile(r"[0-9a-f]{32}")

# What each button of a sweep makes of its state, and from which states.
SWEEP_BUTTONS = {
    "pause": (SweepState.PAUSED, (SweepState.RUNNING, SweepState.PENDING)),
    "resume": (SweepState.RUNNING, (SweepState.PAUSED,)),
    "stop": (SweepState.FINISHED, (SweepState.RUNNING, SweepState.PENDING, SweepState.PAUSED)),
}


class ForbiddenError(RequestError):
    """The request does not come from a button of our own pages."""

    status = 403


class Forms:
    """Makes tokens and carries buttons out.

    Args:
        server: The parts that buttons act on.
        key: The API key.
    """

    def __init__(self, server: Server, key: str) -> None:
        self._server = server
        self._key = key.encode()

    def nonce(self, request: Request) -> str:
        """The browser's cookie, or a new one."""
        found = request.cookies.get(_cookie(request), "")
        return found if _NONCE.fullmatch(found) else secrets.token_hex(16)

    def token(self, nonce: str) -> str:
        """What a form of a page that is sent with this cookie must hold."""
        return hmac.new(self._key, f"form:{nonce}".encode(), hashlib.sha256).hexdigest()

    def remember(self, request: Request, response: Response, nonce: str) -> None:
        """Give the browser its cookie."""
        if request.cookies.get(_cookie(request)) != nonce:
            response.set_cookie(_cookie(request), nonce, httponly=True, samesite="lax")

    async def press(self, request: Request) -> Response:
        """A button was pressed: check that it is ours, do what it says, show the page anew."""
        await self._check(request)
        return await run_in_threadpool(self._act, request.path_params)

    async def _check(self, request: Request) -> None:
        origin = request.headers.get("origin")
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin" or (
            origin is not None and origin != f"http://{request.headers['host']}"
        ):
            raise ForbiddenError("this button was not pressed on a page of this server")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM:
                raise TooLargeError("the form is too large")
        # The only field is hexadecimal, so nothing in it is ever quoted.
        given = bytes(body).removeprefix(b"token=")
        cookie = request.cookies.get(_cookie(request), "")
        if not _NONCE.fullmatch(cookie) or not hmac.compare_digest(
            given, self.token(cookie).encode()
        ):
            raise ForbiddenError("this page is too old to be trusted; load it again and retry")

    def _act(self, at: dict[str, Any]) -> Response:
        # In one transaction: what a button looks at does not change before it has acted.
        with self._server.store.transaction():
            project = self._server.project_at(at["entity"], at["project"])
            if project is None:
                raise NotFoundError("no such project")
            if at["kind"] == "runs" and at["button"] == "stop":
                where = self._stop_run(project, self._server.run_in(project, at["name"]))
            elif at["kind"] == "sweeps" and at["button"] in SWEEP_BUTTONS:
                sweep = self._server.store.sweeps.find(project.id, at["name"])
                if sweep is None:
                    raise NotFoundError("no such sweep")
                where = self._change_sweep(project, sweep, at["button"])
            else:
                raise NotFoundError("no such button")
        return RedirectResponse(where, status_code=303)

    def _stop_run(self, project: Project, run: Run) -> str:
        self._server.scheduler.stop(run)
        return run_url(project, run)

    def _change_sweep(self, project: Project, sweep: Sweep, button: str) -> str:
        state, allowed = SWEEP_BUTTONS[button]
        if sweep.state in allowed:
            self._server.store.sweeps.update(sweep.id, state=state)
        return sweep_url(project, sweep)


def _cookie(request: Request) -> str:
    # Browsers do not tell ports apart: servers side by side would overwrite each other's.
    return f"gradsweep_{request.url.port or 80}"
