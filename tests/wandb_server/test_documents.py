"""One meaning of a dotted key, for history, filters, metrics and pages."""

import pytest

from src.wandb_server.documents import check_nesting, flat, lookup
from src.wandb_server.errors import RequestError

DOCUMENT = {
    "plain": 1,
    "a.b": 2,
    "a": {"b": 3, "c": {"d.e": 4}},
    "image": {"_type": "image-file", "path": "x.png"},
    "empty": {},
}


def test_keys_of_nested_objects_have_dots_and_media_stay_whole() -> None:
    assert flat(DOCUMENT) == [
        ("plain", 1),
        ("a.b", 2),
        ("a.b", 3),
        ("a.c.d.e", 4),
        ("image", {"_type": "image-file", "path": "x.png"}),
        ("empty", {}),
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(("plain", 1), ("a.b", 2), ("a.c.d.e", 4), ("image.path", "x.png"), ("empty", {})),
        *(("a.c", {"d.e": 4}), ("a.x", None), ("plain.x", None), ("", None), (".", None)),
    ],
)
def test_the_longest_key_wins_and_what_is_not_there_is_none(path: str, value: object) -> None:
    assert lookup(DOCUMENT, path) == value


def test_every_flat_key_is_found_again() -> None:
    document = {"x": {"y": {"z": 1}, "p.q": {"r": 2}}, "t.u": 3}
    assert [lookup(document, key) for key, _ in flat(document)] == [1, 2, 3]


def test_nesting_and_number_of_values_are_bounded() -> None:
    deep: object = 0
    for _ in range(99):
        deep = [deep]
    check_nesting(deep, "config")
    with pytest.raises(RequestError, match="'config' is nested too deeply"):
        check_nesting([deep], "config")
    with pytest.raises(RequestError, match="'config' is too large"):
        check_nesting([[1, 2], [3]], "config", most=5)
    check_nesting([[1, 2], [3]], "config", most=6)
