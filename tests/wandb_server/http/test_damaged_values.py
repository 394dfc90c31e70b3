"""A value that is damaged costs its own row alone, whichever column of whichever table it is in.

The columns are read from the database, so one that is added later is damaged here, too.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from src.wandb_server.api.graphql import MissingFields
from src.wandb_server.api.ids import encode_id
from src.wandb_server.context import Server
from src.wandb_server.http.app import create_app
from src.wandb_server.http.serve import server_of
from src.wandb_server.http.storage_trouble import StorageTrouble
from src.wandb_server.states import RunState
from tests.wandb_server.server_harness import free_port, served

KEY = "k" * 40
SWEEP = """
program: t.py
method: random
metric: {name: loss, goal: minimize}
parameters: {x: {min: 0, max: 1}}
"""
# What half of it becomes, a text of bytes that are none, and JSON of another kind.
DAMAGES = {"half": b'{"lr": [1, {"x": "', "no text": b"\xff\xfe{\x00", "another kind": b"17"}
FREE = "words"  # of a column that may hold any text
# Columns of JSON that no page shows: nobody looks at them but a client that asks for them.
UNSHOWN = {("sweeps", "controller"), ("sweeps", "scheduler"), ("sweeps", "prior_runs")}
QUERY = """query($p: String, $sort: JSONString, $specs: [JSONString!]!) {
  project(name: $p) {
    runs(order: "+created_at", filters: $sort) { edges { node {
      name state config summaryMetrics tags createdAt heartbeatAt systemMetrics historyLineCount
      history(samples: 100) events historyKeys historyTail sampledHistory(specs: $specs)
      logLines { edges { node { line } } }
      files { edges { node { name sizeBytes } } }
      outputArtifacts { edges { node { metadata state aliases { alias } } } }
    } } }
    sweeps { edges { node {
      name config method state bestLoss priorRunsFilters runs { edges { node { name } } }
      agents { edges { node { name state } } }
    } } }
    allViews { edges { node { name spec } } }
    artifactCollections { edges { node { name artifacts(order: "createdAt") { edges { node {
      metadata createdBy { name } files { edges { node { name } } }
    } } } } } }
  }
}"""
SPECS = [json.dumps({"keys": ["loss"], "samples": 10})]


def fill(server: Server, name: str) -> None:
    """A project with two rows of everything, and a value in every column of the last one."""
    store = server.store
    project = store.projects.ensure("local", name)
    store.projects.update(project.id, description=FREE)
    for part in ("first", "last"):
        sweep = store.sweeps.create(
            project.id,
            SWEEP,
            **{"name": f"{part}-sweep", "display_name": f"{part} sweep", "description": FREE},
            **{"controller": "{}", "scheduler": "{}", "prior_runs": '{"state": "finished"}'},
        )
        agent = store.sweeps.add_agent(sweep.id, "host")
        run = store.runs.create(
            project.id,
            f"{part}-run",
            state=RunState.FINISHED,
            **dict.fromkeys(("group_name", "job_type", "description", "notes"), FREE),
            **dict.fromkeys(("commit_hash", "repo", "host", "program"), FREE),
            params={"x": 0.5},
            config={"x": {"value": 0.5}},
            summary={"loss": 0.25},
            tags=["tag"],
            inherited={"config": {"x": {"value": 0.5}}, "summary": {"loss": 0.5}},
            early_stop={"bracket": 1, "value": 0.5, "threshold": 0.25},
            should_stop=1,
            sweep_id=sweep.id,
            agent_id=agent.id,
        )
        for stream in ("log", "events", "alerts", "history"):
            lines = [json.dumps({"_step": i, "loss": 1 / (i + 1), "system.x": i}) for i in range(3)]
            store.runs.put_lines(run.id, stream, [(i, i, text) for i, text in enumerate(lines)])
        store.runs.put_metric_values(run.id, [(0, 0.5), (1, 0.25)])
        _upload(server, store.files.run_file(run.id, "x.txt").blob_id)
        _artifact(server, project.id, run.id, part)
        store.views.create(
            project.id,
            f"{part}-view",
            **{"type": "runs", "display_name": f"{part} report", "description": FREE},
            spec={"blocks": [{"type": "paragraph", "children": [{"text": "the text"}]}]},
        )


def _artifact(server: Server, project_id: int, run_id: int, part: str) -> None:
    store = server.store
    collection = store.collections.ensure(project_id, part, "ArtifactSequence", "model")
    store.collections.update(collection.id, description=FREE)
    artifact = store.artifacts.create(
        collection.id,
        ["best"],
        **{"client_id": f"{project_id}{part}", "distributed_id": "d", "digest": "d"},
        **{"run_id": run_id, "description": FREE},
        metadata={"x": 1},
    )
    store.artifacts.update(artifact.id, state="COMMITTED", size=3, file_count=1)
    store.artifacts.add_version(collection.id, artifact.id, ["best"])
    store.artifacts.change_tags(artifact.id, ["tag"], [])
    store.collections.change_tags(collection.id, ["tag"], [])
    store.artifacts.add_use(run_id, artifact.id)
    blob = store.files.content_blob(f"{project_id}{part}==")
    _upload(server, blob.id)
    store.contents.set_files(artifact.id, {"w.h5": blob.id}, {"elsewhere": "s3://x"})
    store.contents.add_manifest(artifact.id, "m.json", "FULL", "d", None, blob.id)


def _upload(server: Server, blob_id: str) -> None:
    server.store.files.received(blob_id, *server.blobs.write(blob_id, b"abc"))


class World:
    """A served folder with two alike projects, of which one is damaged."""

    def __init__(self, url: str, data: Path, server: Server) -> None:
        self.url = url
        self.server = server
        self.database = data / "server.db"
        self.session = requests.Session()  # its cookie keeps the forms' token as it was
        self.session.auth = ("api", KEY)
        self._whole = sqlite3.connect(":memory:", check_same_thread=False)
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            db.backup(self._whole)
        self.held_before = {column: self.held(*column) for column in self.columns()}
        self.intact = self.query("intact")

    def pages(self, name: str) -> dict[str, str]:
        """The pages of a project that have anything of a damaged row, by what they show."""
        pages = {"project": "", "compare": "/compare?runs=first-run,last-run"}
        pages |= {"first run": "/runs/first-run", "last run": "/runs/last-run"}
        pages["last sweep"] = "/sweeps/last-sweep"
        project = self.server.store.projects.find("local", name)
        assert project is not None
        view = self.server.store.views.of_project(project.id)[-1]
        pages["view"] = f"/reports/--{encode_id('View', view.id).rstrip('=')}"
        return {key: self.page(f"/local/{name}{path}").text for key, path in pages.items()}

    def page(self, path: str) -> requests.Response:
        reply = self.session.get(self.url + path, timeout=30)
        assert reply.status_code in (200, 400, 404), f"{path}: {reply.status_code}"
        return reply

    def query(self, name: str) -> Any:
        filters = json.dumps({"summary_metrics.loss": {"$gt": 0}})
        variables = {"p": name, "sort": filters, "specs": SPECS}
        body = {"query": QUERY, "variables": variables}
        reply = self.session.post(f"{self.url}/graphql", json=body, timeout=30)
        assert reply.status_code == 200, reply.text
        return reply.json()["data"]["project"]

    def columns(self) -> list[tuple[str, str]]:
        """All columns of text, of all tables."""
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            rows = db.execute(
                "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c"
                " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND c.type = 'TEXT'"
            )
            return [(table, column) for table, column in rows]

    def held(self, table: str, column: str) -> str:
        """A column's value in the last row that has one."""
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            query = f"SELECT {column} FROM {table} WHERE {_last(table, column)}"
            found = db.execute(query).fetchone()
        assert found, f"this test has no value in {table}.{column}"
        return str(found[0])

    def is_shown(self, table: str, column: str) -> bool:
        """Whether pages show a column's value only if it has its form."""
        known = is_json(self.held_before[table, column])
        return (known and (table, column) not in UNSHOWN) or (table, column) == ("sweeps", "config")

    def damage(self, table: str, column: str, value: bytes) -> None:
        """Damage a column in the last row that has a value in it."""
        update = f"UPDATE {table} SET {column} = CAST(? AS TEXT) WHERE {_last(table, column)}"
        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as db:
            db.execute(update, [value])
            db.commit()

    def mend(self) -> None:
        """Make everything as it was."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as db:
            self._whole.backup(db)


def _last(table: str, column: str) -> str:
    """The condition that a row is the last one of its table that has a value in the column."""
    if table == "lines":
        return (
            "(run_id, stream, position) = (SELECT run_id, stream, position FROM lines"
            " ORDER BY run_id DESC, stream = 'history' DESC, position DESC LIMIT 1)"
        )
    return f"rowid = (SELECT max(rowid) FROM {table} WHERE {column} IS NOT NULL)"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = tmp_path_factory.mktemp("values")
    server = server_of(data, KEY, crash_after=1000)
    fill(server, "intact")
    fill(server, "damaged")
    with free_port() as listener:
        port = listener.getsockname()[1]
        missing = MissingFields(data / "missing_fields.jsonl")
        app = create_app(server, missing, StorageTrouble(), KEY, port, data / "api_key")
        with served(app, listener):
            yield World(f"http://127.0.0.1:{port}", data, server)


def is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except ValueError:
        return False


def test_half_a_document_costs_its_row_alone(world: World) -> None:
    shown = [column for column in world.columns() if world.is_shown(*column)]
    assert len(shown) >= 10
    for column in shown:
        _damage(world, [column], DAMAGES["half"])


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["no text", "another kind"])
def test_a_document_that_is_damaged_otherwise_costs_its_row_alone(
    world: World, damage: str
) -> None:
    for column in world.columns():
        if is_json(world.held(*column)):
            _damage(world, [column], DAMAGES[damage])


@pytest.mark.slow
def test_half_of_any_other_text_costs_its_row_alone(world: World) -> None:
    columns = [column for column in world.columns() if not world.is_shown(*column)]
    assert len(columns) > 50
    free = [column for column in columns if world.held(*column) == FREE]
    assert len(free) > 10
    _damage(world, free, DAMAGES["half"])
    for column in columns:
        if column not in free:
            _damage(world, [column], DAMAGES["half"])


def _damage(world: World, columns: list[tuple[str, str]], value: bytes) -> None:
    """Damage columns, look at everything, and mend them."""
    where = str(columns)
    for column in columns:
        world.damage(*column, value)
    try:
        assert world.page("/").status_code == 200, where
        assert world.query("intact") == world.intact, where
        if columns[0][0] == "projects":
            return  # it has another name now, perhaps
        pages, answer = world.pages("damaged"), world.query("damaged")
        _check_others(pages, answer, where)
        if any(world.is_shown(*column) for column in columns):
            assert any("cannot be read" in text for text in pages.values()), where
    finally:
        world.mend()


def _check_others(pages: dict[str, str], answer: Any, where: str) -> None:
    """The first row of each kind is whole, in pages and in answers; JSON in these is JSON."""
    assert FREE in pages["first run"], where
    assert "first sweep" in pages["project"], where
    runs = {edge["node"]["name"]: edge["node"] for edge in answer["runs"]["edges"]}
    first = runs["first-run"]
    assert json.loads(first["config"]) == {"x": {"value": 0.5}}, where
    assert json.loads(first["summaryMetrics"])["loss"] == 0.25, where
    assert [json.loads(line)["_step"] for line in first["history"]] == [0, 1, 2], where
    for run in runs.values():
        for text in (run["config"], run["summaryMetrics"], *run["history"], *run["events"]):
            assert isinstance(json.loads(text), dict), where
    for edge in answer["sweeps"]["edges"]:
        assert isinstance(yaml.safe_load(edge["node"]["config"]), dict), where
    for edge in answer["allViews"]["edges"]:
        assert isinstance(json.loads(edge["node"]["spec"]), dict), where
    for collection in answer["artifactCollections"]["edges"]:
        for edge in collection["node"]["artifacts"]["edges"]:
            assert isinstance(json.loads(edge["node"]["metadata"] or "{}"), dict), where
