"""The login page: what those without a login see instead of any page, and where links lead."""

import hmac
import re
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from src.wandb_server.dashboard import rendering
from src.wandb_server.http.bodies import form_body
from src.wandb_server.http.doors import ANYBODY, Door
from src.wandb_server.http.logins import Logins, from_own_user

# A path at this server; browsers read backslashes as slashes, and two slashes as another host.
_PATH = re.compile(r"/(?!/)[!-\[\]-~]*")
_OLD_LINK = "This link has been used, or it is too old."
_WRONG_KEY = "This is not the API key of this server."
_OTHER_USER = "Your browser does not run as the user who runs this server."


class LoginPage:
    """Logs browsers in, by a link or by the API key.

    Args:
        logins: Who is logged in.
        key: The API key.
    """

    def __init__(self, logins: Logins, key: str) -> None:
        self._logins = logins
        self._key = key.encode()

    def doors(self) -> list[Door]:
        """Its routes."""
        return [
            Door(ANYBODY, "/login", self._show),
            Door(ANYBODY, "/login", self._submit, "POST"),
        ]

    async def _show(self, request: Request) -> Response:
        given = request.query_params
        page, link = _local(given.get("next", "")), given.get("token")
        if request.state.login:
            return _onward(page)
        if link is None:
            return _form(page)
        if not from_own_user(request):
            return _form(page, 403, _OTHER_USER)
        if request.method == "GET" and self._logins.follow(link):
            return self._logged_in(page)
        # A browser hides the login when it comes from another site, and shows it to ourselves.
        return _onward(_address(request), 401) if _foreign(request) else _form(page, 401, _OLD_LINK)

    async def _submit(self, request: Request) -> Response:
        form = parse_qs((await form_body(request)).decode("ascii", "replace"))
        key, page = (form.get(name, [""])[0] for name in ("key", "next"))
        page = _local(page)
        if not from_own_user(request):
            return _form(page, 403, _OTHER_USER)
        if not hmac.compare_digest(key.strip().encode(), self._key):
            return _form(page, 401, _WRONG_KEY)
        return self._logged_in(page)

    def _logged_in(self, page: str) -> Response:
        response = _onward(page)
        self._logins.log_in(response)
        return response


async def login_needed(request: Request, error: Exception) -> Response:
    """The answer to a request for a page, or for what it shows, that has no login."""
    if request.method not in ("GET", "HEAD"):
        return _form("/", 401)
    if _foreign(request):
        return _onward(_address(request), 401)
    return _form(_address(request), 401)


def _form(page: str, status: int = 200, fault: str = "") -> Response:
    context = {"title": "Log in", "next": page, "fault": fault, "live": False}
    return rendering.page("login.html", context, status)


def _onward(page: str, status: int = 200) -> Response:
    """A page that leads on to another; after a redirect, a browser would still hide the login."""
    context = {"title": "Log in", "next": page, "live": False}
    response = rendering.page("onward.html", context, status)
    response.headers["Referrer-Policy"] = "no-referrer"  # its address may hold a link's ticket
    return response


def _foreign(request: Request) -> bool:
    """Whether a page of another site led here."""
    return request.headers.get("sec-fetch-site") == "cross-site"


def _address(request: Request) -> str:
    """What was asked for, to come back to."""
    path, query = request.scope["raw_path"].decode("ascii", "replace"), request.url.query
    return _local(f"{path}?{query}" if query else path)


def _local(address: str) -> str:
    return address if _PATH.fullmatch(address) else "/"
