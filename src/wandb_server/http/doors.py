"""Who visits, and which routes are open to whom: each route says so itself."""

from collections.abc import Awaitable, Callable
from enum import Flag, auto

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from src.wandb_server.errors import RequestError

Endpoint = Callable[[Request], Awaitable[Response]]


class Visitor(Flag):
    """What a request brings; it may be several of these."""

    STRANGER = auto()  # every request is one
    GUEST = auto()  # every request is one where pages are public
    CLIENT = auto()  # the API key
    BROWSER = auto()  # a login


ANYBODY = Visitor.STRANGER
API = Visitor.CLIENT
PAGE = Visitor.GUEST | Visitor.CLIENT | Visitor.BROWSER
FILE = Visitor.CLIENT | Visitor.BROWSER
BUTTON = Visitor.BROWSER


class KeyNeededError(RequestError):
    """The route is the client's, and the request has not its key."""

    status = 401


class LoginNeededError(RequestError):
    """The route is for people, and the request has no login."""

    status = 401


class Door(Route):
    """A route that says who may use it.

    Args:
        whose: To whom it is open.
        path: Its path.
        endpoint: What answers.
        method: The request's method.
    """

    def __init__(self, whose: Visitor, path: str, endpoint: Endpoint, method: str = "GET") -> None:
        super().__init__(path, endpoint, methods=[method])
        self._whose = whose

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer those to whom it is open; a method that it does not know needs no key.

        Raises:
            KeyNeededError: To a request without the key that the client's routes want.
            LoginNeededError: To a request without a login.
        """
        known = self.methods is not None and scope["method"] in self.methods
        if known and not scope["state"]["visitor"] & self._whose:
            if self._whose == API:
                raise KeyNeededError("the API key is missing or wrong")
            raise LoginNeededError("this page needs a login")
        await super().handle(scope, receive, send)


def is_owner(request: Request) -> bool:
    """Whether the request is the owner's, by key or login, and may see all that there is."""
    return bool(request.state.visitor & FILE)
