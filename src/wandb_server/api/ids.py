"""Opaque identifiers of GraphQL nodes: base64 of ``Kind:number``, as the client may decode them."""

import base64
import binascii

from src.wandb_server.errors import NotFoundError


def encode_id(kind: str, number: int | str) -> str:
    """The identifier of a stored row."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def decode_id(kind: str, value: str) -> int:
    """The row number in an identifier of this kind.

    Raises:
        NotFoundError: It is not one of ours.
    """
    try:
        found, _, number = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        found, number = "", ""
    if found != kind or not (number.isascii() and number.isdigit()) or len(number) > 18:
        raise NotFoundError(f"no such {kind.lower()}")
    return int(number)
