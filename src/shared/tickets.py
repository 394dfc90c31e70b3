"""Tickets: proofs that whoever wrote one had the API key, each for one purpose and until a time.

They are made without asking the server, so a link that logs a browser in costs no request, and the
key itself is not sent. Signatures are HMACs, cut to half their length as section 5 of RFC 2104
allows: https://www.rfc-editor.org/rfc/rfc2104.
"""

import hashlib
import hmac
import secrets
import time
from urllib.parse import urlencode, urlsplit

# A link is printed when a sweep starts, and may be followed days later.
LINK_SECONDS = 7 * 24 * 3600


def login_link(url: str, key: str, page: str = "/") -> str:
    """An address that logs a browser in, once, and shows a page.

    Args:
        url: The server's address.
        key: Its API key.
        page: The page, as a path at the server.
    """
    token = write_ticket(key, link_purpose(urlsplit(url).port), LINK_SECONDS)
    return f"{url}/login?{urlencode({'token': token, 'next': page}, safe='/')}"


def link_purpose(port: int | None) -> str:
    """What the ticket in a link is for: it is worth nothing to whoever listens elsewhere."""
    return f"link to port {port}"


def write_ticket(key: str, purpose: str, seconds: int) -> str:
    """A new ticket: when it ends, a random part, and their signature."""
    content = f"{int(time.time()) + seconds}.{secrets.token_hex(8)}"
    return f"{content}.{sign(key, f'{purpose}:{content}')}"


def ticket_end(key: str, purpose: str, ticket: str) -> int | None:
    """When a ticket ends, in seconds since 1970; None if it is not ours or has ended."""
    content, _, signature = ticket.rpartition(".")
    genuine = sign(key, f"{purpose}:{content}")
    if not hmac.compare_digest(signature.encode(), genuine.encode()):
        return None
    end = int(content.partition(".")[0])
    return end if time.time() < end else None


def sign(key: str, text: str) -> str:
    """The text's signature by the key."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]
