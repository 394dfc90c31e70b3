"""The schema-less executor."""

from pathlib import Path
from typing import Any

import pytest
from graphql.language import OperationType

from src.wandb_server.api.graphql import MissingFields, execute
from src.wandb_server.errors import RequestError


@pytest.fixture
def missing(tmp_path: Path) -> MissingFields:
    return MissingFields(tmp_path / "missing.jsonl")


def _run(missing: MissingFields, root: dict[str, Any], query: str, **variables: Any) -> Any:
    body = {"query": query, "variables": variables}
    return execute(body, {OperationType.QUERY: root}, missing)


def test_values_are_projected_with_aliases_lists_and_nulls(missing: MissingFields) -> None:
    root = {"runs": [{"name": "a", "n": 1}, None], "none": None}
    data = _run(missing, root, "{ all: runs { id: name } none { x } }")
    assert data == {"all": [{"id": "a"}, None], "none": None}


def test_arguments_come_from_literals_variables_and_defaults(missing: MissingFields) -> None:
    root = {"echo": lambda args: [args.optional("a"), args.integer("b", -1), args.texts("c")]}
    query = "query($a: String, $b: Int = 5, $c: String) { echo(a: $a, b: $b, c: [$c]) }"
    assert _run(missing, root, query, a="x", c="y") == {"echo": ["x", 5, ["y"]]}
    assert _run(missing, root, "{ echo(b: 2) }") == {"echo": [None, 2, None]}


def test_fragments_apply_to_their_type_and_merge(missing: MissingFields) -> None:
    root = {"node": {"__typename": "Run", "a": {"x": 1, "y": 2}, "b": 3}}
    query = """
    query { node { ...One ... on User { never } ... on Run { a { y } } __typename } }
    fragment One on Run { a { x } b }
    """
    assert _run(missing, root, query) == {
        "node": {"a": {"x": 1, "y": 2}, "b": 3, "__typename": "Run"}
    }


def test_include_and_skip_are_obeyed(missing: MissingFields) -> None:
    root = {"a": 1, "b": 2, "c": 3}
    query = "query($no: Boolean!) { a @include(if: $no) b @skip(if: true) c @include(if: true) }"
    assert _run(missing, root, query, no=False) == {"c": 3}


def test_an_unknown_field_is_null_and_recorded_once(tmp_path: Path) -> None:
    path = tmp_path / "missing.jsonl"
    missing = MissingFields(path)
    root = {"__typename": "Query", "run": {"__typename": "Run", "name": "r"}}
    for _ in range(2):
        assert _run(missing, root, "query Q { run { name age } }") == {
            "run": {"name": "r", "age": None}
        }
    assert MissingFields.read(path) == [{"operation": "Q", "field": "Run.age"}]


def test_of_several_operations_the_named_one_runs(missing: MissingFields) -> None:
    body = {"query": "query A { a } query B { b }", "operationName": "B"}
    assert execute(body, {OperationType.QUERY: {"a": 1, "b": 2}}, missing) == {"b": 2}
    with pytest.raises(RequestError):
        execute(body | {"operationName": "C"}, {OperationType.QUERY: {}}, missing)
