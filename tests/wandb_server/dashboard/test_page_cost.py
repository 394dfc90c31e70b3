"""What a page costs: nothing is read twice, and nothing is drawn that it does not show."""

import functools
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from src.wandb_server.api.graphql import MissingFields
from src.wandb_server.dashboard import charts, sweep_charts
from src.wandb_server.http.app import create_app
from src.wandb_server.http.security import load_api_key
from src.wandb_server.http.serve import server_of
from src.wandb_server.http.storage_trouble import StorageTrouble
from src.wandb_server.store.database import Database
from tests.wandb_server.dashboard.messy_data import write_messy_data
from tests.wandb_server.dashboard.test_pages import figures
from tests.wandb_server.server_harness import free_port, served

RUNS = [f"/local/messy/runs/{name}" for name in ("hostile", "member0", "member2", "long")]
SWEEP = "/local/messy/sweeps/wild"
OTHERS = ["/local/messy", "/local/messy/compare?runs=hostile,member0,empty", "/local/many"]


class Costs:
    """Pages of an application whose work is counted; everything that does it is real.

    Attributes:
        read: The queries of the last page as SQLite saw them, with their values.
        called: How often functions were called for the last page, by their names.
    """

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self.read: list[str] = []
        self.called: Counter[str] = Counter()

    def page(self, path: str) -> str:
        self.read.clear()
        self.called.clear()
        reply = requests.get(self._url + path, auth=("api", self._key), timeout=30)
        assert reply.ok, reply.text
        return reply.text

    def reads(self, *parts: str) -> list[str]:
        """The queries that have all these parts."""
        return [query for query in self.read if all(part in query for part in parts)]

    def traced(self, connect: Callable[..., sqlite3.Connection]) -> Any:
        def connect_traced(database: Database) -> sqlite3.Connection:
            connection = connect(database)
            connection.set_trace_callback(self._note)
            return connection

        return connect_traced

    def _note(self, statement: str) -> None:
        if statement.startswith("SELECT"):
            self.read.append(statement)

    def counted(self, function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        def counting(*arguments: Any, **options: Any) -> Any:
            self.called[function.__name__] += 1
            return function(*arguments, **options)

        return counting


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Costs]:
    data: Path = tmp_path_factory.mktemp("costs") / "data"
    write_messy_data(data)
    key = load_api_key(data / "api_key")
    with free_port() as listener, pytest.MonkeyPatch.context() as patch:
        port = listener.getsockname()[1]
        found = Costs(f"http://127.0.0.1:{port}", key)
        patch.setattr(Database, "_connect", found.traced(Database._connect))
        patch.setattr(charts, "figure", found.counted(charts.figure))
        patch.setattr(
            sweep_charts, "reached_brackets", found.counted(sweep_charts.reached_brackets)
        )
        missing = MissingFields(data / "missing_fields.jsonl")
        server = server_of(data, key, crash_after=1000)
        app = create_app(server, missing, StorageTrouble(), key, port, data / "api_key")
        with served(app, listener):
            yield found


@pytest.mark.parametrize("path", [*RUNS, SWEEP, *OTHERS])
def test_a_page_asks_the_store_nothing_twice(costs: Costs, path: str) -> None:
    costs.page(path)
    assert costs.read, "it asks something"
    assert [query for query, times in Counter(costs.read).items() if times > 1] == []


@pytest.mark.parametrize("path", RUNS)
def test_a_runs_numbers_and_files_are_read_once(costs: Costs, path: str) -> None:
    costs.page(path)
    # The newest lines with media, or damaged ones, are other questions: a long history is thinned.
    for stream in (
        "'history' AND (position",
        "'events' AND (position",
        "'history' AND instr",
        "'log'",
    ):
        assert len(costs.reads("SELECT text FROM lines", stream)) == 1, stream
    assert len(costs.reads("run_files")) == 1


def test_a_sweeps_metric_is_read_once_and_its_brackets_are_found_once(costs: Costs) -> None:
    costs.page(SWEEP)
    assert len(costs.reads("metric_values")) == 1
    assert costs.called["reached_brackets"] == 1


@pytest.mark.parametrize("path", [*RUNS, SWEEP])
def test_each_chart_is_made_once(costs: Costs, path: str) -> None:
    shown = [figure for figure in figures(costs.page(path)) if figure and figure["data"]]
    assert shown
    assert costs.called["figure"] == len(shown)
