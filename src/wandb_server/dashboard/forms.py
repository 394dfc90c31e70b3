"""Buttons: what a browser may change, and the token that it must send with it.

A button needs the login of its browser, which the route asks for, and a token that only our pages
hold, so that no other site can press one in that browser: the login's signature by the API key.
Sites on other ports of this host share our cookies but can neither read our pages nor compute the
token, and a request that a browser says comes from elsewhere is refused outright. Tokens survive a
restart of the server.
"""

import hmac
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from src.shared.tickets import sign
from src.wandb_server.context import Server
from src.wandb_server.dashboard.addresses import run_url, sweep_url
from src.wandb_server.errors import NotFoundError, RequestError
from src.wandb_server.http.bodies import form_body
from src.wandb_server.scheduling.endings import set_state, stop_run
from src.wandb_server.states import SweepState
from src.wandb_server.store.projects import Project
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep

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
        self._key = key

    def token(self, login: str) -> str:
        """What a form of a page that is shown to this login must hold; empty if there is none."""
        return sign(self._key, f"form:{login}") if login else ""

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
        # The only field is hexadecimal, so nothing in it is ever quoted.
        given = (await form_body(request)).removeprefix(b"token=")
        if not hmac.compare_digest(given, self.token(request.state.login).encode()):
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
        stop_run(self._server.store, run)
        return run_url(project, run)

    def _change_sweep(self, project: Project, sweep: Sweep, button: str) -> str:
        state, allowed = SWEEP_BUTTONS[button]
        if sweep.state in allowed:
            set_state(self._server.store, sweep, state)
        return sweep_url(project, sweep)
