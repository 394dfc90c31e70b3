"""A run says what produced it."""

import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from src.tracking import provenance


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(folder), *names, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_named_and_that_the_checkout_is_not_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    git(tmp_path, "init")
    (tmp_path / "model.py").write_text("1")
    git(tmp_path, "add", "model.py")
    git(tmp_path, "commit", "-m", "first")
    head = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "notes").write_text("not part of the program")
    assert provenance.provenance()["git_commit"] == head
    (tmp_path / "model.py").write_text("2")
    assert provenance.provenance()["git_commit"] == f"{head}+changes"


def test_outside_a_repository_there_is_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.provenance()["git_commit"] is None


def test_the_versions_of_what_computes_are_named() -> None:
    versions = provenance.provenance()["versions"]
    assert set(versions) == {"python", "tensorflow", "keras", "numpy", "wandb"}
    assert versions["wandb"] == version("wandb")
