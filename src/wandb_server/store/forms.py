"""What columns hold that SQLite knows as mere text: JSON, times, states.

What is stored was checked on its way in, so a value that has lost its form is damaged. It costs
itself alone: its row is read with a stand-in for it, and says so in ``unreadable``.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from src.wandb_server.states import RunState, SweepState
from src.wandb_server.store.connection import Row

UNKNOWN_TIME = "1970-01-01T00:00:00Z"
# Streams of lines that are JSON objects each; the others are what a program printed.
JSON_STREAMS = ("history", "events", "alerts")
# Which of them may be damaged, as SQL: SQLite takes too much for it (NaN, say), but all that is.
SUSPECT_LINE = "CASE WHEN json_valid(text) THEN json_type(text) != 'object' ELSE 1 END"


@dataclass(frozen=True)
class Form:
    """What a column's text is read as.

    Attributes:
        read: Its value; a ValueError, TypeError or RecursionError if it has not this form.
        stand_in: What a damaged one is read as.
        json: Whether the text is JSON, so that values are written as JSON, too.
    """

    read: Callable[[str], Any]
    stand_in: Callable[[], Any]
    json: bool = False


def line(text: str) -> dict[str, Any] | None:
    """A line of a JSON stream, or None if it is damaged."""
    try:
        return _object(text)
    except (ValueError, TypeError, RecursionError):
        return None


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _inherited(text: str) -> dict[str, dict[str, Any]]:
    value = _object(text)
    kinds = {name: type(part) for name, part in value.items()}
    if kinds != {"config": dict, "summary": dict}:
        raise TypeError("not the config and summary of a run")
    return value


def _object_text(text: str) -> str:
    _object(text)
    return text


def _list(text: str) -> list[Any]:
    value = json.loads(text)
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def _time(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("no time zone")
    return text


def _nothing() -> None:
    return None


_OBJECT = Form(_object, dict, json=True)
_OPTIONAL_OBJECT = Form(_object, _nothing, json=True)
_LIST = Form(_list, list, json=True)
_TIME = Form(_time, lambda: UNKNOWN_TIME)

FORMS: dict[str, dict[str, Form]] = {
    "runs": {
        # One whose state is unknown is waited for no longer.
        "state": Form(RunState, lambda: RunState.CRASHED),
        "params": _OPTIONAL_OBJECT,
        "config": _OBJECT,
        "summary": _OBJECT,
        "tags": _LIST,
        "early_stop": _OPTIONAL_OBJECT,
        "inherited": Form(_inherited, _nothing, json=True),
        "created_at": _TIME,
        "heartbeat_at": _TIME,
    },
    "sweeps": {
        # Nothing is started, and its owner can resume it.
        "state": Form(SweepState, lambda: SweepState.PAUSED),
        "prior_runs": Form(_object_text, _nothing),
        "created_at": _TIME,
        "updated_at": _TIME,
    },
    "artifacts": {"metadata": _OPTIONAL_OBJECT, "wanted_aliases": _LIST},
    "views": {"spec": _OBJECT},
}


def decoded(table: str, row: Row) -> dict[str, Any]:
    """The values of a row by column, and in ``unreadable`` the columns that are damaged."""
    values, unreadable = dict(row), []
    for name, form in FORMS[table].items():
        if values.get(name) is None:  # or its table is of an earlier version, which checks look at
            continue
        try:
            values[name] = form.read(values[name])
        except (ValueError, TypeError, RecursionError):
            values[name] = form.stand_in()
            unreadable.append(name)
    return values | {"unreadable": tuple(unreadable)}


def encoded(table: str, values: dict[str, Any]) -> dict[str, Any]:
    """Values by column as they are stored."""
    forms = FORMS[table]
    return {
        name: json.dumps(value)
        if value is not None and name in forms and forms[name].json
        else value
        for name, value in values.items()
    }
