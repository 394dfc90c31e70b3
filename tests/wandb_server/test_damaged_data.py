"""A real server of really damaged data: what it says, serves and refuses, and how it is mended."""

import contextlib
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import requests

from src.shared.paths import ROOT
from src.wandb_server.store.backups import Why, back_up, backups_of
from tests.wandb_server.damage import destroy_table, digest, first_version, of_today
from tests.wandb_server.server_harness import ServerProcess, wait_for
from tests.wandb_server.test_recorded_data import RUNS, SWEEP

MUTATION = 'mutation { upsertBucket(input: {name: "new"}) { inserted } }'
PAGES = ["", "local/gradsweep", SWEEP, *(f"local/gradsweep/runs/{name}" for name in RUNS)]


def program(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    """The program with these arguments."""
    return subprocess.run(
        [sys.executable, "-m", "src.wandb_server", *arguments, "--data", str(data)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def page(server: ServerProcess, path: str) -> requests.Response:
    return server.page(f"/{path}")


def guest(server: ServerProcess, path: str) -> str:
    """What somebody without a login is shown, who is told no commands, nor where the data are."""
    shown = requests.get(f"{server.url}/{path}", timeout=30).text
    assert "src.wandb_server" not in shown
    assert str(server.data) not in shown
    return shown


def post(server: ServerProcess, path: str, body: object) -> requests.Response:
    url = f"{server.url}/{path}"
    return requests.post(url, json=body, auth=("api", server.key), timeout=30)


def test_what_can_be_read_is_served_and_nothing_is_stored(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    data = of_today(tmp_path)
    backup = back_up(data / "server.db", Why.DAILY)
    destroy_table(data / "server.db", "lines")
    before = digest(data / "server.db")
    server = start_server("--public_pages", data=data)
    for path in PAGES:
        assert "The database is damaged." in guest(server, path)
        reply = page(server, path)
        assert reply.status_code == 200, path
        assert "The database is damaged." in reply.text
        assert backup.path.name in reply.text, "the cure names the backup"
        assert '<form method="post"' not in reply.text, "there is no button"
    run = page(server, PAGES[-1]).text
    assert "This run's history cannot be read:" in run
    assert "best_model_69ri7jsa:v0" in run, "all else of it is shown"
    assert "The database is damaged." in page(server, "no/such/page/at/all").text
    query = '{ project(name: "gradsweep") { runs { edges { node { name config } } } } }'
    runs = server.graphql(query)["project"]["runs"]["edges"]
    assert {run["node"]["name"] for run in runs} == set(RUNS)
    stream = {"files": {"wandb-history.jsonl": {"offset": 0, "content": ["{}"]}}}
    for path, body in (
        ("graphql", {"query": MUTATION}),
        (f"files/local/gradsweep/{RUNS[0]}/file_stream", stream),
    ):
        refused = post(server, path, body)
        assert refused.status_code == 503, "clients keep what they have, and try again"
        assert "is damaged" in refused.json()["error"]
    assert server.end() == 0
    [line] = [line for line in server.output.splitlines() if "damaged" in line]
    assert f"{data}/server.db is damaged (" in line
    assert f"python -m src.wandb_server restore {backup.path.name} --data {data}" in line
    assert "Traceback" not in server.output
    assert digest(data / "server.db") == before


def test_a_button_that_was_loaded_before_the_damage_is_refused(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = start_server(data=of_today(tmp_path))
    server.graphql('mutation { upsertBucket(input: {name: "active"}) { inserted } }')
    with server.browser as browser:
        path = "local/gradsweep/runs/active"
        shown = browser.get(f"{server.url}/{path}", timeout=30).text
        [action] = re.findall(r'action="(/actions/[^"]+/stop)"', shown)
        [token] = re.findall(r'name="token" value="(\w+)"', shown)
        destroy_table(server.data / "server.db", "lines")
        met = browser.get(f"{server.url}/{path}", timeout=30).text
        assert "The database is damaged." in met
        assert action not in met, "the button is gone"
        reply = browser.post(f"{server.url}{action}", data=f"token={token}", timeout=30)
        assert reply.status_code == 503
        assert "Nothing can be changed: the database is damaged" in reply.text
        assert server.rows("SELECT should_stop FROM runs WHERE name = 'active'") == [
            {"should_stop": 0}
        ]


def test_values_and_files_that_are_lost_are_said_and_all_else_is_served(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    data = of_today(tmp_path)
    with contextlib.closing(sqlite3.connect(data / "server.db")) as db:
        db.execute("UPDATE runs SET config = substr(config, 1, 30) WHERE name = ?", [RUNS[0]])
        db.commit()
    server = start_server("--public_pages", data=data)
    # Of the recorded runs only the last one's files were kept.
    wait_for(lambda: "9 stored values or files cannot be read." in page(server, "").text, "said")
    for path in PAGES:
        assert page(server, path).status_code == 200
        assert "cannot be read." in guest(server, path)
    bad, good = (page(server, f"local/gradsweep/runs/{name}").text for name in RUNS[:2])
    assert "This run's config cannot be read:" in bad
    assert "This run's" not in good
    project = page(server, "local/gradsweep").text
    assert project.count("config cannot be read") == 1
    assert post(server, "graphql", {"query": MUTATION}).status_code == 200
    checked = program("check", data=data)
    assert checked.returncode == 1
    assert f"config of runs {RUNS[0]} (row 1) is damaged" in checked.stdout
    assert server.end() == 0
    assert "9 values or files of" in server.output


def test_nothing_is_made_up_of_a_sweep_whose_configuration_is_lost(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    data = of_today(tmp_path)
    with contextlib.closing(sqlite3.connect(data / "server.db")) as db:
        db.execute("UPDATE sweeps SET config = substr(config, 1, 1) || '[', state = 'RUNNING'")
        db.commit()
    server = start_server(data=data)
    sweep = page(server, SWEEP).text
    assert "This sweep's configuration cannot be read:" in sweep
    assert "What it searches, and how, cannot be read." in sweep
    assert "Best so far" not in sweep, "nobody knows which way is better"
    assert "mattered most" not in sweep
    query = '{ project(name: "gradsweep") { sweep(sweepName: "y7prqc13") { bestLoss config } } }'
    assert server.graphql(query)["project"]["sweep"] == {"bestLoss": None, "config": "{}"}
    where = 'projectName: "gradsweep", sweep: "y7prqc13", host: "h"'
    create = f"mutation {{ createAgent(input: {{{where}}}) {{ agent {{ id }} }} }}"
    agent = server.graphql(create)["createAgent"]["agent"]["id"]
    beat = f'mutation {{ agentHeartbeat(input: {{id: "{agent}"}}) {{ commands }} }}'
    refused = post(server, "graphql", {"query": beat})
    assert refused.status_code == 400
    assert "give it again with wandb sweep --update" in refused.text


def test_a_damaged_index_is_found_in_the_background(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    data = of_today(tmp_path)
    with contextlib.closing(sqlite3.connect(data / "server.db")) as db:
        query = "SELECT sql FROM sqlite_schema WHERE name = 'runs_by_state'"
        [sql] = db.execute(query).fetchone()
        change = "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = '{}' WHERE name ="
        db.executescript(change.format(f"{sql} WHERE id < 3") + " 'runs_by_state'")
        db.commit()
    with contextlib.closing(sqlite3.connect(data / "server.db")) as db:
        db.execute("REINDEX runs_by_state")
        db.executescript(change.format(sql) + " 'runs_by_state'")
        db.commit()
    server = start_server(data=data)
    wait_for(lambda: "The database is damaged." in page(server, "").text, "it is found")
    assert post(server, "graphql", {"query": MUTATION}).status_code == 503


def test_what_cannot_be_opened_is_refused_in_one_line_with_the_cure(tmp_path: Path) -> None:
    data = of_today(tmp_path)
    backup = back_up(data / "server.db", Why.DAILY)
    (data / "server.db").write_bytes(b"\0" * 5000)
    refused = program("--port", "0", data=data)
    assert refused.returncode == 2
    [line] = refused.stderr.splitlines()
    assert line.startswith(f"error: {data}/server.db cannot be served: file is not a database;")
    assert f"restore {backup.path.name} --data {data}" in line


def test_a_server_backs_up_once_a_day_and_before_a_migration(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    first_version(data / "server.db")
    server = start_server(data=data)
    wait_for(lambda: len(backups_of(data / "server.db")) == 2, "there are backups")
    assert {backup.why for backup in backups_of(data / "server.db")} == {Why.DAILY, Why.MIGRATION}
    assert server.end(signal.SIGKILL) == -signal.SIGKILL
    server.start()
    assert "old" in page(server, "").text
    assert server.end() == 0
    assert len(backups_of(data / "server.db")) == 2
