"""Checked access to what a client sent: a wrong type is the client's error, never a crash."""

import json
import re
from collections.abc import Mapping
from typing import Any

from src.wandb_server.documents import MAX_NESTING, check_nesting
from src.wandb_server.errors import RequestError

_UNSAFE_IN_NAMES = set("/\\#?%:\0\n\r\t")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
MAX_NAME = 128


class Args:
    """The arguments of a field, or the members of an input object."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def optional(self, key: str) -> str | None:
        """A string, or None when it is absent or null."""
        value = self._values.get(key)
        if value is not None and not isinstance(value, str):
            raise RequestError(f"'{key}' must be a string")
        return value

    def text(self, key: str) -> str:
        """A string that must be there."""
        value = self.optional(key)
        if not value:
            raise RequestError(f"'{key}' is required")
        return value

    def name(self, key: str, default: str | None = None) -> str:
        """A name of an entity, project or run: it becomes part of addresses, so few characters."""
        value = self.optional(key) or default
        if not value:
            raise RequestError(f"'{key}' is required")
        if len(value) > MAX_NAME or _UNSAFE_IN_NAMES & set(value) or value in (".", ".."):
            raise RequestError(f"'{key}' must have at most 128 characters and none of / \\ # ? % :")
        return value

    def integer(self, key: str, default: int) -> int:
        """An integer (a string of digits is one, as 64-bit integers may be sent so)."""
        value = self._values.get(key)
        if value is None:
            return default
        try:
            number = int(value)
        except (TypeError, ValueError, OverflowError):
            raise RequestError(f"'{key}' must be an integer") from None
        if abs(number) >= 2**63:
            raise RequestError(f"'{key}' is out of range")
        return number

    def optional_integer(self, key: str) -> int | None:
        """An integer, or None when it is absent or null."""
        return None if self._values.get(key) is None else self.integer(key, 0)

    def flag(self, key: str) -> bool:
        """A boolean; absent is False."""
        return self._values.get(key) is True

    def texts(self, key: str) -> list[str] | None:
        """A list of strings (one string is a list of one, as in GraphQL), or None."""
        value = self._values.get(key)
        if value is None:
            return None
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            raise RequestError(f"'{key}' must be a list of strings")
        return values

    def json_object(self, key: str) -> dict[str, Any] | None:
        """A JSON object sent as a string, or None when it is absent, null or empty."""
        value = self._values.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            value = parse_json(value, key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise RequestError(f"'{key}' must be a JSON object")
        return value

    def members(self, key: str) -> list["Args"]:
        """A list of input objects; absent is empty."""
        value = self._values.get(key) or []
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise RequestError(f"'{key}' must be a list of objects")
        return [Args(v) for v in value]

    def input(self) -> "Args":
        """The members of the ``input`` argument that mutations take."""
        value = self._values.get("input")
        if not isinstance(value, dict):
            raise RequestError("'input' must be an object")
        return Args(value)


def parse_json(text: str, what: str) -> Any:
    """Decode JSON from a client.

    Raises:
        RequestError: It is malformed or nested too deeply, or has half a surrogate pair, which
            can be neither stored nor shown.
    """
    try:
        value = json.loads(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise RequestError(f"'{what}' is not valid JSON") from None
    if text.count("[") + text.count("{") > MAX_NESTING:
        check_nesting(value, what)
    return value
