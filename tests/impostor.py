"""Another program, of another user where the tests run as root, that listens at a port.

It is started by its file: nothing of the project can be imported by another user. What it hears it
writes to its standard output.
"""

import contextlib
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator

STRANGER = 65534  # the user called nobody

ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n"
    b'{"status":"ok"}'
)


class Impostor:
    """What listens, and what it has heard."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def heard(self) -> bytes:
        """End it; all that it was sent."""
        self._process.terminate()
        return self._process.communicate()[0]


@contextlib.contextmanager
def impostor(port: int) -> Iterator[Impostor]:
    """Have one for as long as the context lasts; it answers kindly.

    Args:
        port: Where it listens.
    """
    command = [sys.executable, __file__, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stderr
        assert process.stderr.readline() == b"listening\n"
        yield Impostor(process)
    finally:
        process.kill()
        process.communicate()


def listen(port: int) -> None:
    """Hear everybody out at once, as a server does."""
    connections = [socket.create_server(("127.0.0.1", port))]
    print("listening", file=sys.stderr, flush=True)
    while True:
        for ready in select.select(connections, [], [])[0]:
            if ready is connections[0]:
                connections.append(ready.accept()[0])
                continue
            with contextlib.suppress(OSError):
                heard = ready.recv(65536)
                os.write(1, heard)
                ready.setblocking(False)
                ready.send(ANSWER)
                if heard:
                    continue
            connections.remove(ready)


if __name__ == "__main__":
    if os.geteuid() == 0:
        os.setgid(STRANGER)
        os.setuid(STRANGER)
    listen(int(sys.argv[1]))
