"""Whose a socket of this machine is, as Linux tells it; other systems do not."""

import errno
import socket
import struct

Address = tuple[str, int]  # IPv4
ANYBODY = ("0.0.0.0", 0)
NOBODY = -1

# sock_diag(7): one request for the socket at an address, one answer with its user.
_SOCK_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1
_ANY_STATE, _NO_COOKIE = 0xFFFFFFFF, struct.pack("=II", 0xFFFFFFFF, 0xFFFFFFFF)
_HEADER = struct.Struct("=IHHII")
_UID_AT = _HEADER.size + 4 + 48 + 12  # after the states, both addresses, three counters
_ESTABLISHED, _LISTENING = 1, 10  # of its states
_TIMEOUT_SECONDS = 1.0
# What keeps a system that tells from telling now: too many files, or no memory.
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)


def socket_owner(address: Address, peer: Address = ANYBODY) -> int | None:
    """The user whose socket is at an address.

    Args:
        address: Where the socket is bound.
        peer: What it is connected to; without it, the socket that would accept a connection.

    Returns:
        The user's id, None if there is no such open socket or this system does not tell, or
        ``NOBODY`` if it cannot tell now: a shortage lets nobody in.
    """
    request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ANY_STATE)
    request += struct.pack("!HH", address[1], peer[1])
    request += _ip(address) + _ip(peer) + struct.pack("=I", 0) + _NO_COOKIE
    length = _HEADER.size + len(request)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
            kernel.settimeout(_TIMEOUT_SECONDS)
            kernel.send(_HEADER.pack(length, _BY_FAMILY, _REQUEST, 0, 0) + request)
            answer = kernel.recv(4096)
    except (AttributeError, OSError) as error:
        return NOBODY if getattr(error, "errno", None) in _SHORTAGES else None
    if len(answer) < _UID_AT + 4 or _HEADER.unpack_from(answer)[1] != _BY_FAMILY:
        return None  # the kernel's word for "no such socket"
    # Without a connection the kernel names who listens; one that is being closed may be root's.
    if answer[_HEADER.size + 1] != (_LISTENING if peer == ANYBODY else _ESTABLISHED):
        return None
    uid: int = struct.unpack_from("=I", answer, _UID_AT)[0]
    return uid


def _ip(address: Address) -> bytes:
    return socket.inet_aton(address[0]).ljust(16, b"\0")
