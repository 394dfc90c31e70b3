"""Data folders are checked, backed up and restored by hand, and a run goes on afterwards."""

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from src.shared.errors import UserError
from src.wandb_server import maintenance
from src.wandb_server.store.backups import Why, back_up, backups_of
from src.wandb_server.store.blobs import BlobStorage
from tests.wandb_server.damage import destroy_table, digest, of_today
from tests.wandb_server.server_harness import Client, ServerProcess, wait_for
from tests.wandb_server.test_recorded_data import RUNS


def command(name: str, *arguments: str, data: Path) -> str:
    """What one of the server's commands prints; a refusal is raised."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = maintenance.run(name, [*arguments, "--data", str(data)])
    assert code == 0, printed.getvalue()
    return printed.getvalue()


def test_a_backup_is_made_checked_and_put_in_place(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    data, copy = of_today(tmp_path), tmp_path / "copy"
    server = start_server(data=data)
    server.graphql('mutation { upsertBucket(input: {name: "kept"}) { inserted } }')
    printed = command("backup", data=data)
    [backup] = [b for b in backups_of(data / "server.db") if b.why is Why.ASKED]
    assert printed == f"Backed up to {backup.path}\n"
    command("backup", "--to", str(copy), data=data)
    with pytest.raises(UserError, match="is not empty"):
        command("backup", "--to", str(copy), data=data)
    server.graphql('mutation { upsertBucket(input: {name: "lost"}) { inserted } }')
    with pytest.raises(UserError, match=f"is running at {server.url}; end it, then restore"):
        command("restore", backup.path.name, data=data)
    assert server.end() == 0
    (data / "server.db").write_bytes(b"\0" * 5000)
    assert f"{backup.path.name}  {backup.when}  asked" in command("restore", data=data)
    assert f"as it was at {backup.when}" in command("restore", backup.path.name, data=data)
    [aside] = data.glob("replaced-*")
    assert (aside / "server.db").read_bytes() == b"\0" * 5000
    server.start()
    assert server.page("/local/gradsweep/runs/kept").status_code == 200
    assert server.page("/local/gradsweep/runs/lost").status_code == 404


def test_a_whole_copy_can_be_served_and_restored_from(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    data, copy = of_today(tmp_path), tmp_path / "copy"
    command("backup", "--to", str(copy), data=data)
    server = start_server(data=copy)
    picture = "files/media/images/confusion_matrix_heatmap_5_7c76368470c432e301b7.png"
    assert (
        server.page(f"/local/gradsweep/runs/{RUNS[-1]}/{picture}?view=1").content[:4] == b"\x89PNG"
    )
    assert server.end() == 0
    shutil.rmtree(data / "files")
    (data / "server.db").unlink()
    command("restore", str(copy), data=data)
    stored, again = (sorted(p.name for p in (f / "files").glob("*/*")) for f in (copy, data))
    assert again == stored
    assert len(stored) > 40


def test_a_file_that_was_sent_after_a_whole_copy_is_kept_beside_it(tmp_path: Path) -> None:
    data, copy = of_today(tmp_path), tmp_path / "copy"
    command("backup", "--to", str(copy), data=data)
    path = min((data / "files").glob("??/*"))
    place, before = path.relative_to(data), path.read_bytes()
    BlobStorage(data / "files", "key").write(path.name, b"sent later")
    printed = command("restore", str(copy), data=data)
    [aside] = data.glob("replaced-*")
    assert f"What was in its place is in {aside}." in printed
    assert (aside / place).read_bytes() == b"sent later"
    assert path.read_bytes() == (copy / place).read_bytes() == before


def test_a_place_for_a_copy_that_is_none_is_named(tmp_path: Path) -> None:
    data, copy = of_today(tmp_path), tmp_path / "file" / "copy"
    copy.parent.touch()
    with pytest.raises(UserError, match=f"{data} was not backed up: {copy}: Not a directory; mend"):
        command("backup", "--to", str(copy), data=data)


def test_two_backups_can_be_put_in_place_within_a_second(tmp_path: Path) -> None:
    data = of_today(tmp_path)
    backup = back_up(data / "server.db", Why.ASKED)
    for _ in range(2):
        command("restore", backup.path.name, data=data)
    assert len(list(data.glob("replaced-*/server.db"))) == 2
    assert not list(data.glob(".*"))


def test_a_damaged_backup_is_not_put_in_place(tmp_path: Path) -> None:
    data = of_today(tmp_path)
    backup = back_up(data / "server.db", Why.ASKED)
    destroy_table(backup.path, "runs")
    before = digest(data / "server.db")
    assert "damaged: " in command("restore", data=data)
    with pytest.raises(UserError, match="is damaged"):
        command("restore", backup.path.name, data=data)
    with pytest.raises(UserError, match="there is no backup nothing"):
        command("restore", "nothing", data=data)
    assert digest(data / "server.db") == before


_LOGS = """
import time, wandb
with wandb.init(id="run") as run:
    for epoch in range(100):
        run.log({"epoch": epoch})
        time.sleep(0.1)
"""


def test_a_check_of_an_empty_file_says_so_and_does_not_name_itself_as_the_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "server.db").touch()
    assert maintenance.run("check", ["--data", str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path / 'server.db'}: 0.0 MB; nothing to read",
        "The database is damaged:",
        "  the file is empty",
        "There is no good backup of it; another folder begins anew.",
    ]


@pytest.mark.slow
@pytest.mark.alone
def test_a_run_in_progress_goes_on_when_a_backup_is_put_in_place_and_loses_nothing(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = start_server()
    client = Client(server, tmp_path / "client")
    run = client.start(sys.executable, "-c", _LOGS)
    history = "SELECT text FROM lines WHERE stream = 'history' ORDER BY position"
    wait_for(lambda: server.rows(history), "points arrive")
    backup = back_up(server.data / "server.db", Why.ASKED)
    destroy_table(server.data / "server.db", "lines")
    wait_for(lambda: "is damaged" in server.page("/").text, "it is met")
    assert server.end() == 0
    command("restore", backup.path.name, data=server.data)
    server.start()
    output, _ = run.communicate(timeout=200)
    assert run.returncode == 0, output
    # What had been acknowledged after the backup is in the run's own folder.
    [folder] = (client.folder / "wandb").glob("run-*-run")
    client.run("wandb", "sync", str(folder))
    epochs = [json.loads(row["text"])["epoch"] for row in server.rows(history)]
    assert epochs == list(range(100))
    assert server.rows("SELECT state FROM runs") == [{"state": "finished"}]
    client.end()
