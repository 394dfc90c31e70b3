"""JSON and YAML values as clients send them: how deep they may be, and their keys with dots."""

from collections.abc import Mapping
from typing import Any

from src.wandb_server.errors import RequestError

MAX_NESTING = 100  # all that is done with them may recurse


def flat(document: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Keys and values, those of nested objects with dots; media count as one value."""
    pairs: list[tuple[str, Any]] = []
    for key, value in document.items():
        if isinstance(value, dict) and "_type" not in value and value:
            pairs += flat(value, f"{prefix}{key}.")
        else:
            pairs.append((prefix + key, value))
    return pairs


def lookup(document: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; keys may have dots themselves, so the longest key wins."""
    if path in document:
        return document[path]
    head, _, rest = path.rpartition(".")
    while head:
        inner = document.get(head)
        if isinstance(inner, Mapping):
            return lookup(inner, rest)
        head, _, tail = head.rpartition(".")
        rest = f"{tail}.{rest}"
    return None


def check_nesting(value: Any, what: str, most: int | None = None) -> None:
    """Refuse a value that is nested too deeply.

    Args:
        value: A JSON or YAML value.
        what: What it is called in the message.
        most: How many values there may be in it; those of a YAML alias count each time.

    Raises:
        RequestError: It is.
    """
    level, seen = [value], 1
    for _ in range(MAX_NESTING):
        containers = [item for item in level if isinstance(item, dict | list)]
        seen += sum(map(len, containers))
        if not containers:
            return
        if most is not None and seen > most:
            raise RequestError(f"'{what}' is too large")
        level = [i for c in containers for i in (c.values() if isinstance(c, dict) else c)]
    raise RequestError(f"'{what}' is nested too deeply")
