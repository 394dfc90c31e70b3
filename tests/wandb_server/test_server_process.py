"""Starting, finding, guarding and ending the server's process."""

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from src.shared.paths import ROOT
from tests.wandb_server.server_harness import ServerProcess, wait_for


def test_help_needs_none_of_the_heavy_libraries() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "src.wandb_server", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0
    assert "--crash_after" in result.stdout
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert not imported & {"tensorflow", "optuna", "starlette", "wandb"}


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(start_server: Callable[[], ServerProcess], signum: int) -> None:
    server = start_server()
    assert server.process is not None
    server.process.send_signal(signum)
    output, _ = server.process.communicate(timeout=30)
    assert server.process.returncode == 0, output
    assert not (server.data / "server.json").exists()
    assert "export WANDB_BASE_URL=http://127.0.0.1:" in output
    assert f"export WANDB_API_KEY={server.key}" in output
    assert str(server.data) in output


def test_its_secrets_can_be_read_by_their_owner_only(server: ServerProcess) -> None:
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    for name in ("api_key", "server.json"):
        assert stat.S_IMODE((server.data / name).stat().st_mode) == 0o600
    assert len(server.key) >= 40
    assert server.record["api_key"] == server.key


def test_key_and_data_survive_a_restart(server: ServerProcess) -> None:
    key = server.key
    server.graphql('mutation { upsertModel(input: {name: "kept"}) { inserted } }')
    server.end()
    server.start()
    assert server.key == key
    assert server.graphql('query { project(name: "kept") { name } }')["project"]["name"] == "kept"


def test_it_ends_when_the_process_that_holds_its_stdin_is_gone(tmp_path: Path) -> None:
    read, write = os.pipe()
    command = [sys.executable, "-m", "src.wandb_server", "--port", "0", "--data", str(tmp_path)]
    process = subprocess.Popen(
        [*command, "--exit_with_stdin"], cwd=ROOT, stdin=read, stdout=subprocess.PIPE
    )
    os.close(read)
    wait_for((tmp_path / "server.json").exists, "the server announces itself")
    os.close(write)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert not (tmp_path / "server.json").exists()


def test_the_watch_over_silent_runs_survives_a_fault_that_nobody_foresaw(
    start_server: Callable[..., ServerProcess],
) -> None:
    server = start_server("--crash_after", "0.5")
    config = "{program: t.py, method: random, parameters: {x: {min: 0, max: 1}}}"
    sweep = server.graphql(
        "mutation($c: String) { upsertSweep(input: {config: $c}) { sweep { name } } }", c=config
    )["upsertSweep"]["sweep"]["name"]
    agent = server.graphql(
        f'mutation {{ createAgent(input: {{sweep: "{sweep}"}}) {{ agent {{ id }} }} }}'
    )["createAgent"]["agent"]["id"]
    with contextlib.closing(sqlite3.connect(server.data / "server.db", timeout=30)) as db:
        fault = "CREATE TRIGGER fault BEFORE UPDATE OF state ON runs BEGIN SELECT RAISE(ABORT, 'so'"
        db.execute(f"{fault}); END")
        server.graphql(f'mutation {{ agentHeartbeat(input: {{id: "{agent}"}}) {{ commands }} }}')
        assert server.process is not None
        assert server.process.stdout is not None
        line = next(line for line in server.process.stdout if "runs that fall silent" in line)
        assert "are not noticed: ConflictError('so'); the server goes on" in line
        db.execute("DROP TRIGGER fault")
    states = "SELECT state FROM runs"
    wait_for(lambda: server.rows(states) == [{"state": "crashed"}], "the run is given up")
    assert server.end() == 0
    assert "not noticed" not in server.output, "it is said once"
