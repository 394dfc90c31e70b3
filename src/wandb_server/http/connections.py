"""Connections that only wait: none of them may keep the owner from being answered.

uvicorn bounds the time between two requests, but not how long one takes to arrive, nor how many
connections there are: whoever may connect could use up all the files that the process may open.
"""

import asyncio
import os
import resource
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from src.shared.socket_owner import socket_owner
from src.wandb_server.http.episodes import Episode

HEAD_SECONDS = 20.0  # from the first byte, or from the connection's beginning, to a request's head
BODY_SECONDS, BODY_BYTES = 30.0, 1024  # so much of a body arrives in so much time
KEEP_ALIVE_SECONDS = 60  # until the next request
BATCH = 64  # connections that are accepted before others are answered
QUEUE = 1024  # connections that may wait to be accepted

_MAX_OPEN = 512
_FILES = 1024  # what most systems let a process open; macOS lets it ask for that


def room_for_connections() -> int:
    """How many connections to keep open: half of the files at most, as the data need some, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < _FILES:  # -1 is no limit
        soft = min(_FILES, hard) if hard >= 0 else _FILES
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(_MAX_OPEN, soft // 2) if soft >= 0 else _MAX_OPEN


class Connections:
    """Those that are open, bounded; a quarter is kept for this user where the system tells whose.

    Args:
        most: How many may be open.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_strangers = most - most // 4
        self._open: dict[Connection, None] = {}  # the one heard of last stands last
        self._strangers = 0
        self._crowd = Episode(
            "%d connections are open, as many as are kept; those that have waited longest are "
            "closed, other users' first",
            "there is room for connections again",
        )

    def opened(self, connection: "Connection") -> None:
        """One has been accepted: if there are too many now, one that waits is closed."""
        self._open[connection] = None
        self._strangers += connection.of_stranger
        if self._strangers > self._most_of_strangers or len(self._open) > self._most:
            self._crowd.begins(len(self._open) - 1)
            self._least().end()

    def heard(self, connection: "Connection") -> None:
        """A request has been answered."""
        if connection in self._open:
            del self._open[connection]
            self._open[connection] = None

    def closed(self, connection: "Connection") -> None:
        """One is no longer open."""
        if connection in self._open:
            del self._open[connection]
            self._strangers -= connection.of_stranger
            if len(self._open) < self._most // 2:
                self._crowd.over()

    def _least(self) -> "Connection":
        """The one whose end costs least; the newest, if all others are being answered."""
        strangers = (one for one in self._open if one.of_stranger and one.waits)
        return next(strangers, None) or next(one for one in self._open if one.waits)


class Connection(H11Protocol):
    """One connection, which ends if a request does not arrive in time.

    Args:
        connections: All of them.
        options: Further arguments, uvicorn's own.

    Attributes:
        of_stranger: Whether another user's process has opened it.
    """

    def __init__(self, connections: Connections, **options: Any) -> None:
        super().__init__(**options)
        self._all = connections
        self._timer: asyncio.TimerHandle | None = None
        self._awaited: object = None  # what the timer is for: the state of the other side
        self._arrived = 0  # bytes since the timer was set
        self.of_stranger = False

    @property
    def waits(self) -> bool:
        """Whether nothing is lost with it: no request, or a stranger's that has not arrived."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered or (self.of_stranger and self.conn.their_state is h11.SEND_BODY)

    def end(self) -> None:
        """Close it now."""
        self._all.closed(self)
        self._cancel()
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take up a connection, and whose it is."""
        super().connection_made(transport)
        if self.client and self.server and self.server[1] is not None:
            owner = socket_owner(self.client, (self.server[0], self.server[1]))
            self.of_stranger = owner not in (os.geteuid(), None)
        self._await()
        self._all.opened(self)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        self._arrived += len(data)
        super().data_received(data)
        self._await()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of one that was answered before its end."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:  # of a request that was sent before the answer
            self._await()
        self._all.heard(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._all.closed(self)
        self._cancel()
        super().connection_lost(exc)

    def _await(self) -> None:
        """Set the timer for what has begun to arrive; what arrives slowly does not set it again."""
        state = self.conn.their_state
        if state is self._awaited:
            return
        self._cancel()
        if state is h11.IDLE:
            self._timer = self.loop.call_later(HEAD_SECONDS, self.end)
        elif state is h11.SEND_BODY:
            self._arrived = 0
            self._timer = self.loop.call_later(BODY_SECONDS, self._check_body)
        else:
            return
        self._awaited = state

    def _check_body(self) -> None:
        if self._arrived < BODY_BYTES and not self.flow.read_paused:
            self.end()
            return
        self._awaited = None
        self._await()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._awaited = None, None
