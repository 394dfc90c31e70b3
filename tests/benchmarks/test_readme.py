"""The README's tables change between their markers only."""

from pathlib import Path

import pytest

from benchmarks import readme
from src.shared.errors import UserError

TEXT = (
    "# Title\n<!-- bench:speed -->\nold\n<!-- /bench:speed -->\nrest\n<!-- bench:other -->\nkept\n"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "README.md"
    file.write_text(TEXT)
    return file


def test_only_what_is_between_the_markers_changes(path: Path) -> None:
    assert readme.update("speed", "| a\\1 |\n", path)
    assert path.read_text() == TEXT.replace("old", "| a\\1 |")


def test_again_changes_nothing(path: Path) -> None:
    readme.update("speed", "new", path)
    once = path.read_bytes()
    readme.update("speed", "new", path)
    assert path.read_bytes() == once


def test_without_markers_nothing_changes(path: Path) -> None:
    assert not readme.update("memory", "new", path)
    assert path.read_text() == TEXT


@pytest.mark.parametrize(
    "text",
    [
        "<!-- bench:speed -->\n",
        "<!-- /bench:speed -->\n<!-- bench:speed -->\n",
        2 * "<!-- bench:speed -->\n<!-- /bench:speed -->\n",
    ],
    ids=["no end", "end first", "twice"],
)
def test_broken_markers_are_refused_and_nothing_is_lost(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(UserError, match="bench:speed"):
        readme.update("speed", "new", path)
    assert path.read_text() == text
