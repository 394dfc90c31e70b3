"""Mongo-like filters and orders over lists, as ``wandb.Api().runs`` sends them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from src.wandb_server.documents import lookup
from src.wandb_server.errors import RequestError

T = TypeVar("T")
Document = Mapping[str, Any]
Fields = Mapping[str, Callable[[T], Any]]

MAX_DEPTH = 20
MAX_REGEX = 500


def matches(document: Document, filters: Any, depth: int = 0) -> bool:
    """Whether a document satisfies a filter.

    Args:
        document: The fields by name; dotted paths reach into nested objects.
        filters: The filter: field conditions and ``$and``, ``$or``, ``$nor``, ``$not``.
        depth: Of the nesting so far.

    Raises:
        RequestError: The filter is malformed or uses an unknown operator.
    """
    if not isinstance(filters, dict) or depth > MAX_DEPTH:
        raise RequestError("a filter must be an object, not too deeply nested")
    return all(_clause(document, key, value, depth + 1) for key, value in filters.items())


def _clause(document: Document, key: str, value: Any, depth: int) -> bool:
    if key in ("$and", "$or", "$nor"):
        if not isinstance(value, list):
            raise RequestError(f"{key} takes a list")
        results = [matches(document, part, depth) for part in value]
        if key == "$and":
            return all(results)
        return any(results) if key == "$or" else not any(results)
    if key == "$not":
        return not matches(document, value, depth)
    if key.startswith("$"):
        raise RequestError(f"unknown filter operator {key}")
    found = lookup(document, key)
    if isinstance(value, dict) and any(op.startswith("$") for op in value):
        conditions = _with_regex_options(value).items()
        return all(_condition(found, op, wanted, depth) for op, wanted in conditions)
    return _equal(found, value)


def _with_regex_options(conditions: Document) -> Document:
    """The conditions with ``$options`` (``i``, say) made part of the pattern of ``$regex``."""
    if "$options" not in conditions:
        return conditions
    kept = {op: wanted for op, wanted in conditions.items() if op != "$options"}
    options, pattern = conditions["$options"], kept.get("$regex")
    if not isinstance(pattern, str) or not isinstance(options, str) or set(options) - set("imsx"):
        raise RequestError("$options takes the letters i, m, s and x, beside a $regex")
    return kept | {"$regex": f"(?{options}){pattern}" if options else pattern}


def _condition(found: Any, operator: str, wanted: Any, depth: int) -> bool:
    if operator == "$not":
        if not isinstance(wanted, dict) or depth > MAX_DEPTH:
            raise RequestError("$not takes an object")
        return not all(_condition(found, op, v, depth + 1) for op, v in wanted.items())
    try:
        return _OPERATORS[operator](found, wanted)
    except KeyError:
        raise RequestError(f"unknown filter operator {operator}") from None
    except (TypeError, re.error, OverflowError):
        raise RequestError(f"{operator} cannot take this value") from None


def _equal(found: Any, wanted: Any) -> bool:
    # As in MongoDB, a list matches when it has the value as an element.
    return bool(found == wanted) or (isinstance(found, list) and wanted in found)


def _ordered(found: Any, wanted: Any, compare: Callable[[Any, Any], bool]) -> bool:
    numbers = _is_number(found) and _is_number(wanted)
    strings = isinstance(found, str) and isinstance(wanted, str)
    return (numbers or strings) and compare(found, wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _regex(found: Any, wanted: str) -> bool:
    if len(wanted) > MAX_REGEX:
        raise RequestError("the regular expression is too long")
    pattern = re.compile(wanted)
    values = found if isinstance(found, list) else [found]
    return any(isinstance(value, str) and pattern.search(value) for value in values)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _equal,
    "$ne": lambda found, wanted: not _equal(found, wanted),
    "$gt": lambda found, wanted: _ordered(found, wanted, lambda a, b: bool(a > b)),
    "$gte": lambda found, wanted: _ordered(found, wanted, lambda a, b: bool(a >= b)),
    "$lt": lambda found, wanted: _ordered(found, wanted, lambda a, b: bool(a < b)),
    "$lte": lambda found, wanted: _ordered(found, wanted, lambda a, b: bool(a <= b)),
    "$in": lambda found, wanted: any(_equal(found, value) for value in wanted),
    "$nin": lambda found, wanted: not any(_equal(found, value) for value in wanted),
    "$all": lambda found, wanted: all(_equal(found, value) for value in wanted),
    "$exists": lambda found, wanted: (found is not None) == bool(wanted),
    "$regex": _regex,
}


def selected(
    items: Sequence[T],
    fields: Fields[T],
    filters: Any,
    order: str | None,
    *,
    newest_first: bool = False,
) -> list[T]:
    """The items that satisfy a filter (None: all), in order.

    Args:
        items: All items, in the order of their creation.
        fields: What of them filters and orders may name.
        filters: The filter.
        order: As ``-summary_metrics.val_accuracy,+created_at``. Items that lack a field come last
            in either direction; of equal ones (created within one second, say) the first key
            decides whether the newest or the oldest comes first.
        newest_first: The order when none is given.

    Raises:
        RequestError: The filter is malformed, or the order names a field that there is not.
    """
    kept = [i for i in items if matches(_Document(fields, i), filters)] if filters else list(items)
    keys = [part.strip() for part in (order or "").split(",") if part.strip()]
    paths = [key.lstrip("+-") for key in keys]
    for path in paths:
        _check_field(path, fields)
    result = kept[::-1] if (keys[0].startswith("-") if keys else newest_first) else kept
    for key, path in reversed(list(zip(keys, paths, strict=True))):
        ranks = [(_rank(lookup(_Document(fields, item), path)), item) for item in result]
        known = [(rank, item) for rank, item in ranks if rank is not None]
        known.sort(key=lambda pair: pair[0], reverse=key.startswith("-"))
        result = [item for _, item in known] + [item for rank, item in ranks if rank is None]
    return result


def camel_too(fields: Fields[T]) -> Fields[T]:
    """Fields by their names with underscores, and in camel case as well: clients use both."""
    camel = {re.sub("_(.)", lambda m: m[1].upper(), name): field for name, field in fields.items()}
    return {**fields, **camel}


class _Document(Mapping[str, Any]):
    """The fields of one item by name, each looked up when it is asked for."""

    def __init__(self, fields: Fields[T], item: T) -> None:
        self._fields: Fields[Any] = fields
        self._item = item

    def __getitem__(self, name: str) -> Any:
        return self._fields[name](self._item)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def _check_field(path: str, fields: Fields[T]) -> None:
    if path.split(".")[0] not in fields:
        known = ", ".join(name for name in fields if name.islower())
        raise RequestError(f"there is no order by {path[:100]!r}; there is one by {known}")


def _rank(value: Any) -> tuple[int, Any] | None:
    """Where a value stands among others: numbers, then texts; None if it cannot be compared."""
    if isinstance(value, str):
        return (1, value)
    return (0, value) if isinstance(value, int | float) and value == value else None
