"""The embedded server of a data folder, as other programs find it: proven before it gets the key.

A server writes its address to ``server.json``. One that was killed leaves it, and anybody on the
machine may listen at that port afterwards. So whoever is to be sent the key first shows that it
knows the key, and belongs to this user.
"""

import hashlib
import hmac
import json
import os
import secrets
import socket
import time
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from urllib.parse import urlsplit

from src.shared.defaults import ENTITY, HOST, PROJECT
from src.shared.socket_owner import socket_owner

RECORD = "server.json"  # in the data folder
PROOF_PATH = "/proof"  # followed by the nonce
_PURPOSE = "gradsweep: this is the server at"
_ANSWER_SECONDS = 5.0  # in all
_MAX_ANSWER = 4096
_END_OF_HEAD = b"\r\n\r\n"


class Listener(Enum):
    """Who is at the address that a server has announced.

    Attributes:
        PROVEN: The server.
        NOBODY: The port is free.
        SILENT: It does not answer: a server that starts, ends or is held up, or a stranger.
        STRANGER: Another program, or another user's.
    """

    PROVEN = auto()
    NOBODY = auto()
    SILENT = auto()
    STRANGER = auto()


@dataclass(frozen=True)
class AnnouncedServer:
    """A server that has announced itself, whether it is still there or not.

    Attributes:
        url: Its address.
        key: Its API key.
    """

    url: str
    key: str

    @property
    def port(self) -> int:
        """Where it listens, on the loopback."""
        return urlsplit(self.url).port or 0

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point an unmodified wandb client at it."""
        return client_environment(self.url, self.key)

    def listener(self) -> Listener:
        """Who is at its address now; the key is not sent to find out."""
        nonce = secrets.token_hex(32)
        try:
            with socket.create_connection((HOST, self.port), _ANSWER_SECONDS) as connection:
                if socket_owner((HOST, self.port)) not in (os.geteuid(), None):
                    return Listener.STRANGER
                answer = _ask(connection, f"{PROOF_PATH}/{nonce}", f"{HOST}:{self.port}")
        except ConnectionRefusedError:
            return Listener.NOBODY
        except OSError:
            return Listener.SILENT
        if not answer:
            return Listener.SILENT
        head, _, body = answer.partition(_END_OF_HEAD)
        expected = proof(self.key, self.port, nonce).encode()
        proven = head.startswith(b"HTTP/1.1 200 ") and hmac.compare_digest(body, expected)
        return Listener.PROVEN if proven else Listener.STRANGER


def announced_server(data: Path) -> AnnouncedServer | None:
    """The server that a data folder's record names, if this user has written the record.

    Args:
        data: The folder.
    """
    try:
        # Who may write to the folder could have put a pipe there, for which one would wait.
        with os.fdopen(os.open(data / RECORD, os.O_RDONLY | os.O_NONBLOCK)) as file:
            if not _ours_alone(os.fstat(file.fileno()), data.stat()):
                return None
            record = json.loads(file.read())
        server = AnnouncedServer(str(record["url"]), str(record["api_key"]))
        return server if server.url == f"http://{HOST}:{server.port}" else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def live_server(data: Path) -> AnnouncedServer | None:
    """The server of a data folder, proven, so that it may be sent the key; None if there is none.

    Args:
        data: The folder.
    """
    server = announced_server(data)
    return server if server and server.listener() is Listener.PROVEN else None


def proof(key: str, port: int, nonce: str) -> str:
    """What only the server at this port can answer to a nonce.

    The port is part of it, so that a stranger gains nothing by asking the server at another one.

    Args:
        key: The API key.
        port: Where the server itself listens, whatever a request says.
        nonce: What the client has sent.
    """
    message = f"{_PURPOSE} {HOST}:{port}\n{nonce}"
    return hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()


def client_environment(url: str, key: str) -> dict[str, str]:
    """The variables that point an unmodified wandb client at a server, and at nothing else.

    Args:
        url: The server's address.
        key: Its API key.
    """
    return {
        "WANDB_BASE_URL": url,
        "WANDB_API_KEY": key,
        "WANDB_ENTITY": ENTITY,
        "WANDB_PROJECT": PROJECT,
        "WANDB_ERROR_REPORTING": "false",
        # The default of 15 seconds is too long for a short run to be stopped in time.
        "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "1",
    }


def _ask(connection: socket.socket, path: str, host: str) -> bytes:
    """The whole answer to a request, but no more of it, and no longer, than the server's own takes.

    No library of HTTP: they follow redirects, and wait for as long as an answer goes on. Whoever
    answers and keeps the connection has answered, too.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    connection.sendall(request.encode())
    answer, deadline = b"", time.monotonic() + _ANSWER_SECONDS
    while len(answer) <= _MAX_ANSWER:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            part = connection.recv(_MAX_ANSWER)
        except TimeoutError:
            return answer if _END_OF_HEAD in answer else b""
        if not part:
            break
        answer += part
    return answer


def _ours_alone(file: os.stat_result, folder: os.stat_result) -> bool:
    """Whether only this user can have written a file; some disks keep no permissions at all."""
    loose = file.st_mode & 0o022 and not folder.st_mode & 0o022
    return file.st_uid == os.geteuid() and not loose
