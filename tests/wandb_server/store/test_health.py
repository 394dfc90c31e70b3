"""What a server knows of its damage, and who waits for it."""

import threading
from pathlib import Path

import pytest

from src.wandb_server.store.health import Health


def test_nobody_else_waits_while_the_backups_are_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, end = threading.Event(), threading.Event()

    def cure(database: Path) -> str:
        begun.set()
        assert end.wait(60)
        return "the cure"

    monkeypatch.setattr("src.wandb_server.store.health.cure", cure)
    health = Health(tmp_path / "server.db")
    first = threading.Thread(target=health.damaged, args=("a page",))
    first.start()
    assert begun.wait(60)
    told = health.damage
    end.set()
    first.join()
    assert told is not None
    assert told.endswith("is damaged (a page): what can be read is served, and nothing is stored")
    assert health.damaged("another page") == health.damage == f"{told}; the cure"
