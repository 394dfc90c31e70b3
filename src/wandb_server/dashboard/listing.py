"""The table of runs: filtered, sorted and in pages, all by the address's query."""

import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from src.wandb_server.clock import utc_now
from src.wandb_server.dashboard import words
from src.wandb_server.dashboard.charts import run_colour
from src.wandb_server.dashboard.histories import config_of
from src.wandb_server.metric import as_number
from src.wandb_server.states import RunState
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep

PAGE_SIZE = 100  # runs in one page of a table
MAX_COLUMNS = 16  # of a table's config columns; those in which runs differ come first
MAX_SELECTED = 20  # runs whose curves are overlaid
DEFAULT_SELECTED = 8
STATES = (*RunState, *words.STOPS)

_CONDITION = re.compile(r"([^\s=<>!]+)(<=|>=|!=|=|<|>)(\S+)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


@dataclass
class Row:
    """A run in a table. ``best`` (or the last, without a goal) and ``points`` are of its metric."""

    run: Run
    best: float | None = None
    points: int = 0
    ended: str = ""
    sweep: Sweep | None = None
    config: dict[str, Any] = field(init=False)
    state: str = field(init=False)
    seconds: float | None = field(init=False)

    def __post_init__(self) -> None:
        self.config = config_of(self.run)
        self.state = words.state(self.run)
        self.seconds = run_seconds(self.run)

    @property
    def colour(self) -> str:
        """The run's colour in charts."""
        return run_colour(self.run)


def run_seconds(run: Run) -> float | None:
    """How long a run has gone on."""
    if run.state is RunState.PENDING:
        return None
    inner = run.summary.get("_wandb")
    runtime = as_number(inner.get("runtime")) if isinstance(inner, dict) else None
    if not run.active and runtime is not None and math.isfinite(runtime):
        return runtime
    end = utc_now() if run.active else datetime.fromisoformat(run.heartbeat_at)
    # The clock may have been set back before the server was started again.
    return max(0.0, (end - datetime.fromisoformat(run.created_at)).total_seconds())


class Query:
    """What the address asks a table for; anything odd in it falls back to the default.

    Args:
        params: The query of the address.
        sort: The column by which the table is sorted unless the address says otherwise.
        descending: The direction likewise.
    """

    def __init__(self, params: QueryParams, sort: str, descending: bool) -> None:
        self._params = params
        self.filter = params.get("filter", "")[:200]
        self.state = params.get("state", "") if params.get("state") in STATES else ""
        self.sort = params.get("sort") or sort
        order = params.get("order")
        self.descending = order == "desc" if order in ("asc", "desc") else descending
        page = params.get("page", "1")
        self.page = int(page) if page.isascii() and page.isdigit() and len(page) < 8 else 1
        self.selected = selected_names(params, "run")

    def url(self, **changes: str | int) -> str:
        """The address with some of its parts changed; an empty value leaves one out."""
        pairs = [(k, v) for k, v in self._params.multi_items() if k not in changes]
        pairs += [(k, str(v)) for k, v in changes.items() if v != ""]
        return "?" + urlencode(pairs)

    def sort_url(self, column: str, first: Literal["asc", "desc"] = "asc") -> str:
        """Where a column's heading leads: sorted by it, or the other way round."""
        if column == self.sort:
            return self.url(sort=column, order="asc" if self.descending else "desc", page="")
        return self.url(sort=column, order=first, page="")

    def direction(self, column: str) -> str:
        """The value of ``aria-sort`` for a column."""
        if column != self.sort:
            return "none"
        return "descending" if self.descending else "ascending"

    def kept(self, *names: str) -> list[tuple[str, str]]:
        """What a form that changes other parts of the address must send along."""
        return [(k, v) for k, v in self._params.multi_items() if k in names and v]


def selected_names(params: QueryParams, key: str) -> list[str] | None:
    """Run ids given one by one or with commas; None if the address says nothing of them."""
    given = params.getlist(key)
    if not given:
        return None
    return list(dict.fromkeys(n for part in given for n in part.split(",") if n))[:MAX_SELECTED]


@dataclass
class Table:
    """One page of a table of runs."""

    rows: list[Row]
    total: int
    matching: int
    columns: list[str]
    left_out: int
    query: Query

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, math.ceil(self.matching / PAGE_SIZE))

    @property
    def first(self) -> int:
        """The number of the page's first run."""
        return (self.query.page - 1) * PAGE_SIZE + 1


def table(rows: Sequence[Row], query: Query) -> Table:
    """The page of a table that the query asks for."""
    accept = _filter(query.filter)
    chosen = [r for r in rows if (not query.state or r.state == query.state) and accept(r)]
    ordered = _sorted(chosen, query)
    query.page = min(max(1, query.page), max(1, math.ceil(len(chosen) / PAGE_SIZE)))
    start = (query.page - 1) * PAGE_SIZE
    columns = _columns(rows)
    left_out = max(0, len(columns) - MAX_COLUMNS)
    shown = ordered[start : start + PAGE_SIZE]
    return Table(shown, len(rows), len(chosen), columns[:MAX_COLUMNS], left_out, query)


def _columns(rows: Sequence[Row]) -> list[str]:
    """Config keys that are worth a column: those in which runs differ, then the others."""
    values: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.config.items():
            values.setdefault(name, set()).add(str(value))
    varied = [name for name in values if len(values[name]) > 1]
    return sorted(varied) or sorted(values)


def _sorted(rows: Iterable[Row], query: Query) -> list[Row]:
    """Runs in order; those without the value come last in either direction."""

    def key(row: Row) -> Any:
        plain = {
            "created": row.run.id,
            "name": row.run.display_name.casefold(),
            "state": row.state,
            "best": row.best,
            "points": row.points,
            "duration": row.seconds,
        }
        name = query.sort
        return plain[name] if name in plain else row.config.get(name.removeprefix("config."))

    with_value: list[tuple[Any, Row]] = []
    without: list[tuple[Any, Row]] = []
    for row in rows:
        value = key(row)
        (without if value is None or value != value else with_value).append((value, row))
    with_value.sort(key=lambda pair: _rank(pair[0]), reverse=query.descending)
    return [row for _, row in [*with_value, *without]]


def _rank(value: Any) -> tuple[int, Any]:
    if isinstance(value, int | float):
        return 0, value
    return 1, str(value).casefold()


def _filter(text: str) -> Callable[[Row], bool]:
    """All words of a filter: ``learning_rate<0.01`` compares, any other word is looked for."""
    tests: list[Callable[[Row], bool]] = []
    for word in text.split():
        condition = _CONDITION.fullmatch(word)
        tests.append(_compares(*condition.groups()) if condition else _contains(word))
    return lambda row: all(test(row) for test in tests)


def _contains(word: str) -> Callable[[Row], bool]:
    needle = word.casefold()

    def test(row: Row) -> bool:
        run = row.run
        texts = [run.display_name, run.name, run.group_name or "", run.notes or "", *run.tags]
        texts += [str(value) for value in row.config.values()]
        return any(needle in text.casefold() for text in texts)

    return test


def _compares(name: str, sign: str, wanted: str) -> Callable[[Row], bool]:
    def test(row: Row) -> bool:
        if name in row.config:
            found = row.config[name]
        elif name == "best":
            found = row.best
        else:
            found = row.run.summary.get(name)
        if found is None:
            return False
        try:
            # Python compares a whole number of any size.
            number = found if isinstance(found, int) else float(found)
            return _COMPARE[sign](number, float(wanted))
        except (TypeError, ValueError):
            return _COMPARE[sign](str(found).casefold(), wanted.casefold())

    return test
