"""Logins of browsers: links that log one in once, and the cookie that it has from then on."""

import contextlib
import os
from pathlib import Path

from starlette.requests import HTTPConnection
from starlette.responses import Response

from src.shared.errors import UserError
from src.shared.socket_owner import Address, socket_owner
from src.shared.tickets import link_purpose, ticket_end, write_ticket
from src.wandb_server.data_folder import usable, write_private

COOKIE_SECONDS = 30 * 24 * 3600


class Logins:
    """Tells whether a browser is logged in, and logs it in.

    Nothing is kept of a login: the cookie is a ticket, so it outlives a restart of the server. Of
    links that were followed their tickets are kept, as a link works once.

    Args:
        key: The API key.
        port: The server's port, at which alone links and cookies are good.
        followed: The file of the tickets that were used.

    Raises:
        UserError: If the file cannot be read.
    """

    def __init__(self, key: str, port: int, followed: Path) -> None:
        self._key = key
        self._link, self._login = link_purpose(port), f"login at port {port}"
        # Browsers do not tell ports apart: servers side by side would overwrite each other's.
        self._cookie = f"gradsweep_{port}"
        self._file = followed
        with usable(followed.parent):
            kept = followed.read_text(errors="replace").split() if followed.exists() else []
        self._followed = {ticket for ticket in kept if self._is_link(ticket)}
        with contextlib.suppress(UserError):  # a full disk must keep nobody out
            write_private(followed, "".join(f"{ticket}\n" for ticket in self._followed))

    def login(self, connection: HTTPConnection) -> str:
        """The login that a request brings, or an empty string."""
        found = connection.cookies.get(self._cookie, "")
        genuine = ticket_end(self._key, self._login, found) is not None
        return found if genuine and from_own_user(connection) else ""

    def follow(self, ticket: str) -> bool:
        """Use up the ticket of a link; False if it is none, too old, or was used before."""
        if not self._is_link(ticket) or ticket in self._followed:
            return False
        self._followed.add(ticket)
        with contextlib.suppress(OSError), self._file.open("a") as file:
            file.write(f"\n{ticket}\n")  # the disk may have been full within the last one
        return True

    def log_in(self, response: Response) -> None:
        """Give the browser its cookie."""
        response.set_cookie(
            self._cookie,
            write_ticket(self._key, self._login, COOKIE_SECONDS),
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="strict",
        )

    def _is_link(self, ticket: str) -> bool:
        return ticket_end(self._key, self._link, ticket) is not None


def from_own_user(connection: HTTPConnection) -> bool:
    """Whether no other user of this machine sends the request, as far as the system tells.

    A browser sends its cookies to every port of a host. Another user who has an own page opened
    at another port, or at ours while no server runs, receives the login: it must be worth nothing
    in that user's hands.
    """
    return of_same_user(tuple(connection.scope["client"]), tuple(connection.scope["server"]))


def of_same_user(peer: Address, here: Address) -> bool:
    """Whether the other end of a connection is this user's or root's, as far as the system tells.

    Args:
        peer: The other end.
        here: Our end, where this process listens.
    """
    owner = socket_owner(peer, here)
    if owner is None:  # it has hung up, unless the system tells nothing at all
        return socket_owner(here) is None
    return owner in (os.geteuid(), 0)
