"""Values that have lost their form are stood in for, and named."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from src.wandb_server.store import Store


@pytest.mark.parametrize("text", ['{"confia": {"x": 1}, "summary": {}}', '{"config": {"x": 1}}'])
def test_what_a_fork_has_inherited_is_its_parents_config_and_summary_alone(
    database: Path, text: str
) -> None:
    store = Store(database)
    [project] = store.projects.all()
    run = store.runs.create(project.id, "fork", state="finished", summary={"y": 2})
    with closing(sqlite3.connect(database)) as db:
        db.execute("UPDATE runs SET inherited = ? WHERE id = ?", [text, run.id])
        db.commit()
    [fork] = [run for run in store.runs.of_project(project.id) if run.name == "fork"]
    assert (fork.unreadable, fork.summary) == (("inherited",), {"y": 2})
