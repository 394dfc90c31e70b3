"""A process that opens connections to a port of this machine and lets them wait.

It is another user's where it is started by root. Each connection sends the beginning of a request.
"""

import contextlib
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator

STRANGER = 65534  # the user called nobody
_HALF = b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Slow: "


@contextlib.contextmanager
def hoarded(port: int, count: int, *, as_stranger: bool = True) -> Iterator[None]:
    """Have them for as long as the context lasts.

    Args:
        port: Where to connect to.
        count: How many connections to open.
        as_stranger: Whether to be another user, if this one may choose.
    """
    command = [sys.executable, __file__, str(port), str(count), str(int(as_stranger))]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        assert process.stdout.readline() == b"all are open\n"
        yield
    finally:
        process.communicate()


def hoard(port: int, count: int) -> None:
    """Open them, and hold them until standard input ends."""
    connections = []
    for _ in range(count):
        connection = socket.socket()
        connections.append(connection)
        connection.connect(("127.0.0.1", port))
        with contextlib.suppress(OSError):  # it has been closed at once
            connection.sendall(_HALF % port)
    print("all are open", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    if os.geteuid() == 0 and sys.argv[3] == "1":
        os.setgid(STRANGER)
        os.setuid(STRANGER)
    hoard(int(sys.argv[1]), int(sys.argv[2]))
