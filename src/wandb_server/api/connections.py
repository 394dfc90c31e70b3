"""Relay-style pages over a list that is at hand."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from src.wandb_server.api.arguments import Args
from src.wandb_server.api.filters import Fields, selected

T = TypeVar("T")
Node = dict[str, Any]

MAX_PAGE = 10_000


def connection(
    items: Sequence[T], args: Args, node: Callable[[T], Node], default: int = 50, typename: str = ""
) -> Node:
    """The page of ``items`` that ``first`` and ``after`` ask for; cursors are positions.

    Args:
        items: All items, in order.
        args: The field's arguments.
        node: Makes an item's node.
        default: The page size when none is given.
        typename: GraphQL type of the connection.
    """
    after = args.optional("after")
    start = int(after) if after and after.isascii() and after.isdigit() and len(after) < 19 else 0
    size = max(0, min(args.integer("first", default), MAX_PAGE))
    page = items[start : start + size]
    end = start + len(page)
    return {
        "__typename": typename,
        "totalCount": len(items),
        "pageInfo": {
            "__typename": "PageInfo",
            "endCursor": str(end) if page else None,
            "hasNextPage": end < len(items),
        },
        "edges": [
            {"__typename": "Edge", "node": node(item), "cursor": str(start + i + 1)}
            for i, item in enumerate(page)
        ],
    }


def chosen(
    items: Sequence[T], fields: Fields[T], args: Args, *, newest_first: bool = False
) -> list[T]:
    """The items that the arguments ``filters`` and ``order`` ask for; see :func:`selected`."""
    filters, order = args.json_object("filters"), args.optional("order")
    return selected(items, fields, filters, order, newest_first=newest_first)


def edges(nodes: Iterable[Node]) -> Node:
    """A connection of everything, for short lists that are never paged."""
    return {"edges": [{"node": node} for node in nodes]}
