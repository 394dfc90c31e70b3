"""Mongo-like filters and orders."""

from typing import Any

import pytest

from src.wandb_server.api.filters import Fields, matches, selected
from src.wandb_server.errors import RequestError

FIELDS: Fields[dict[str, Any]] = {"n": lambda item: item["n"], "a": lambda item: item["a"]}
RUN = {
    "name": "a",
    "state": "finished",
    "tags": ["x", "y"],
    "config": {"lr": 0.1, "opt": {"name": "adam"}, "dotted.key": 1},
    "config.lr": 0.1,
    "summary_metrics": {"acc": 0.9, "val": {"acc": 0.8}, "val.loss": 2},
    "notes": None,
}


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"name": "a"},
        {"config.lr": 0.1},
        {"config.opt.name": "adam"},
        {"config.dotted.key": 1},
        {"summary_metrics.val.acc": {"$gt": 0.7, "$lte": 0.8}},
        {"summary_metrics.val.loss": 2},
        {"tags": "x"},
        {"tags": {"$in": ["z", "y"]}},
        {"tags": {"$nin": ["z"]}},
        {"state": {"$ne": "running"}},
        {"notes": None},
        {"notes": {"$exists": False}},
        {"missing": {"$exists": False}},
        {"name": {"$regex": "^A|a$"}},
        {"state": {"$regex": "^FIN", "$options": "i"}},
        {"tags": {"$all": ["y", "x"]}},
        {"$and": [{"name": "a"}, {"state": "finished"}]},
        {"$or": [{"name": "b"}, {"state": {"$in": ["finished"]}}]},
        {"$nor": [{"name": "b"}, {"name": "c"}]},
        {"$not": {"name": "b"}},
        {"config.lr": {"$not": {"$gt": 1}}},
    ],
)
def test_a_run_that_satisfies_a_filter_is_found(filters: dict[str, Any]) -> None:
    assert matches(RUN, filters)


@pytest.mark.parametrize(
    "filters",
    [
        {"name": "b"},
        {"missing": 1},
        {"missing": {"$gt": 0}},
        {"name": {"$gt": 0}},
        {"config.lr": {"$gt": 0.1}},
        {"tags": {"$in": []}},
        {"tags": {"$all": ["x", "z"]}},
        {"state": {"$regex": "^FIN", "$options": ""}},
        {"tags": {"$ne": "x"}},
        {"notes": {"$exists": True}},
        {"$or": []},
        {"$and": [{"name": "a"}, {"name": "b"}]},
    ],
)
def test_a_run_that_does_not_is_not(filters: dict[str, Any]) -> None:
    assert not matches(RUN, filters)


@pytest.mark.parametrize(
    "filters",
    [
        [],
        {"name": {"$unknown": 1}},
        {"$unknown": 1},
        {"$and": {}},
        {"name": {"$in": 3}},
        {"name": {"$regex": "("}},
        {"name": {"$regex": 3}},
        {"name": {"$regex": "a{9999999999}"}},
        {"name": {"$regex": "a", "$options": "q"}},
        {"name": {"$options": "i"}},
        {"name": {"$not": 3}},
    ],
)
def test_a_malformed_filter_is_refused(filters: Any) -> None:
    with pytest.raises(RequestError):
        matches(RUN, filters)


def test_order_is_by_several_keys_and_those_without_a_value_are_last() -> None:
    items: list[dict[str, Any]] = [
        {"n": 1, "a": 2},
        {"n": 2, "a": None},
        {"n": 3, "a": 5},
        {"n": 4, "a": 2},
    ]
    assert _order(items, "+a,-n") == [4, 1, 3, 2]
    assert _order(items, "-a,+n") == [3, 1, 4, 2]
    assert [i["n"] for i in selected(items, FIELDS, {"a": 2}, None)] == [1, 4]


def test_equal_ones_are_in_the_order_of_their_creation_or_in_its_reverse() -> None:
    items = [{"n": n, "a": 0} for n in range(4)]
    assert _order(items, "a") == _order(items, "+a") == [0, 1, 2, 3]
    assert _order(items, "-a") == [3, 2, 1, 0]
    assert _order(items, None) == [0, 1, 2, 3]
    assert _order(items, None, newest_first=True) == _order(items, "-a", newest_first=True)
    assert _order(items, "a", newest_first=True) == [0, 1, 2, 3], "the order alone decides"


@pytest.mark.parametrize("order", ["b", "-b", "+a,b", "b.a"])
def test_an_order_by_what_there_is_not_is_refused_even_of_nothing(order: str) -> None:
    with pytest.raises(RequestError, match=r"no order by 'b.*; there is one by n, a"):
        selected([], FIELDS, None, order)


def _order(items: list[dict[str, Any]], order: str | None, **options: bool) -> list[Any]:
    return [i["n"] for i in selected(items, FIELDS, None, order, **options)]
