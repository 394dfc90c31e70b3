"""A schema-less GraphQL executor: project Python values onto the selection of a query.

Clients of different versions select different fields, and no schema is published, so none is kept
here. A node is a mapping from field name to a value, or to a function of the field's arguments. A
field that the node lacks becomes null and is recorded, so that tests can assert that a supported
client never asks for something unknown. A mutation that there is not is refused.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from graphql import GraphQLError, parse, value_from_ast_untyped
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from src.wandb_server.api.arguments import Args
from src.wandb_server.errors import RequestError

Node = Mapping[str, Any]

MAX_TOKENS = 20_000
MAX_DEPTH = 40
MAX_FIELDS = 20_000  # of a document with its fragments in place, which may be far longer than it
# A fragment on one of these matches any of its concrete types.
_INTERFACES = {"ArtifactCollection": {"ArtifactSequence", "ArtifactPortfolio"}}


class MissingFields:
    """The fields that clients selected and no resolver knows, each recorded once in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: set[tuple[str, str]] = set()

    def record(self, operation: str, field: str) -> None:
        """Note that ``operation`` selected an unknown ``field`` (``Type.field``)."""
        with self._lock:
            if (operation, field) in self._seen:
                return
            self._seen.add((operation, field))
            with self._path.open("a") as file:
                file.write(json.dumps({"operation": operation, "field": field}) + "\n")

    @staticmethod
    def read(path: Path) -> list[dict[str, str]]:
        """All recorded fields of a data folder, of earlier processes too."""
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def execute(
    body: Any,
    roots: Mapping[OperationType, Node],
    missing: MissingFields,
    transaction: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Any:
    """Answer one GraphQL request.

    Args:
        body: The decoded JSON body: ``query``, and optionally ``variables`` and ``operationName``.
        roots: The root node of queries and of mutations.
        missing: Where unknown fields are recorded.
        transaction: Around a mutation: one that is answered with an error changes nothing, and
            nobody else changes anything while it reads and decides. No resolver needs its own.

    Returns:
        The value of the reply's ``data``.

    Raises:
        RequestError: The body or the document is malformed.
    """
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        raise RequestError("the body must be a JSON object with a 'query' string")
    variables = {} if body.get("variables") is None else body["variables"]
    if not isinstance(variables, dict):
        raise RequestError("'variables' must be an object")
    try:
        document = parse(body["query"], no_location=True, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        raise RequestError(f"GraphQL syntax: {error.message}") from None
    except RecursionError:
        raise RequestError("the GraphQL document is nested too deeply") from None
    execution = _Execution(document, body.get("operationName"), variables, missing)
    mutates = execution.operation.operation == OperationType.MUTATION
    with transaction() if mutates else nullcontext():
        return execution.run(roots)


class _Execution:
    def __init__(
        self, document: DocumentNode, name: Any, variables: dict[str, Any], missing: MissingFields
    ) -> None:
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        chosen = [o for o in operations if not name or (o.name and o.name.value == name)]
        if len(chosen) != 1:
            raise RequestError("the document must contain exactly one operation of that name")
        self.operation = chosen[0]
        self.operation_name = self.operation.name.value if self.operation.name else "anonymous"
        self.fragments = {
            d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
        }
        defaults = {
            v.variable.name.value: value_from_ast_untyped(v.default_value)
            for v in self.operation.variable_definitions or ()
            if v.default_value
        }
        self.variables = defaults | variables
        self.missing = missing

    def run(self, roots: Mapping[OperationType, Node]) -> dict[str, Any]:
        try:
            size = self._size(self.operation.selection_set, (), {})
        except RecursionError:
            raise RequestError("the GraphQL document is nested too deeply") from None
        if size > MAX_FIELDS:
            raise RequestError("the GraphQL document has too many fields")
        root = roots.get(self.operation.operation)
        if root is None:
            raise RequestError(f"no {self.operation.operation.value} operations are served")
        return self._project_node(root, self.operation.selection_set, 0)

    def _size(
        self, selection: SelectionSetNode | None, inside: tuple[str, ...], known: dict[str, int]
    ) -> int:
        """How many fields a selection has with all fragments in place.

        Args:
            selection: The selection.
            inside: The fragments around it.
            known: The sizes of fragments so far.
        """
        size = 0
        for part in selection.selections if selection else ():
            if isinstance(part, FieldNode | InlineFragmentNode):
                size += 1 + self._size(part.selection_set, inside, known)
                continue
            name = part.name.value  # type: ignore[attr-defined]
            if name not in self.fragments:
                raise RequestError(f"unknown fragment {name}")
            if name in inside or len(inside) > MAX_DEPTH:
                raise RequestError("fragments are nested too deeply")
            if name not in known:
                fragment = self.fragments[name].selection_set
                known[name] = self._size(fragment, (*inside, name), known)
            size += known[name]
        return size

    def _project(self, value: Any, selection: SelectionSetNode | None, depth: int) -> Any:
        if selection is None or value is None:
            return value
        if isinstance(value, list | tuple):
            return [self._project(item, selection, depth) for item in value]
        if not isinstance(value, Mapping):
            raise RequestError("a selection was made on a scalar")
        return self._project_node(value, selection, depth)

    def _project_node(self, node: Node, selection: SelectionSetNode, depth: int) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise RequestError("the GraphQL document is nested too deeply")
        merged: dict[str, list[FieldNode]] = {}
        for field in self._fields(node, selection, 0):
            key = field.alias.value if field.alias else field.name.value
            merged.setdefault(key, []).append(field)
        return {key: self._field(node, fields, depth) for key, fields in merged.items()}

    def _field(self, node: Node, fields: list[FieldNode], depth: int) -> Any:
        field = fields[0]
        name = field.name.value
        if name not in node:
            self.missing.record(self.operation_name, f"{node.get('__typename', '?')}.{name}")
            if node.get("__typename") == "Mutation":  # null would say that it has been done
                raise RequestError(f"this server has no {name}")
            return None
        value = node[name]
        if isinstance(value, Callable):  # type: ignore[arg-type]
            arguments = {a.name.value: self._value(a.value) for a in field.arguments or ()}
            value = value(Args(arguments))
        # The same key may be selected by several fragments: the union is wanted.
        selections = [f.selection_set for f in fields if f.selection_set]
        if not selections:
            if _is_node(value):
                raise RequestError(f"'{name}' needs a selection of fields")
            return value
        union = SelectionSetNode(
            selections=tuple(s for set_ in selections for s in set_.selections)
        )
        return self._project(value, union, depth + 1)

    def _fields(self, node: Node, selection: SelectionSetNode, depth: int) -> Iterator[FieldNode]:
        if depth > MAX_DEPTH:
            raise RequestError("fragments are nested too deeply")
        for part in selection.selections:
            if not self._included(part):
                continue
            if isinstance(part, FieldNode):
                yield part
                continue
            fragment: FragmentDefinitionNode | InlineFragmentNode
            if isinstance(part, InlineFragmentNode):
                fragment = part
            else:
                fragment = self.fragments[part.name.value]  # type: ignore[attr-defined]
            condition = fragment.type_condition
            if condition is None or _matches(condition.name.value, node.get("__typename")):
                yield from self._fields(node, fragment.selection_set, depth + 1)

    def _included(self, part: Any) -> bool:
        for directive in part.directives or ():
            wanted = [self._value(a.value) for a in directive.arguments or ()]
            if directive.name.value == "include" and wanted and not wanted[0]:
                return False
            if directive.name.value == "skip" and wanted and wanted[0]:
                return False
        return True

    def _value(self, node: Any) -> Any:
        # Variables that were not given are null, also inside of lists and objects.
        value = value_from_ast_untyped(node, self.variables)
        return _without_undefined(value)


def _is_node(value: Any) -> bool:
    """Whether fields must be selected from a value; a JSON value has no functions in it."""
    if isinstance(value, Mapping):
        return any(map(_is_node, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_is_node, value))
    return callable(value)


def _without_undefined(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_undefined(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_undefined(item) for item in value]
    if isinstance(value, str | int | float) or value is None:
        return value
    return None


def _matches(condition: str, typename: Any) -> bool:
    # Only a node of an abstract type must say which type it is of.
    return not typename or condition == typename or typename in _INTERFACES.get(condition, ())
