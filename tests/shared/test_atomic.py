"""A file is replaced whole or stays as it was, and nothing else is left beside it."""

from pathlib import Path

import pytest

from src.shared.atomic import replacing
from src.shared.errors import UserError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("old")
    return path


def test_what_was_written_takes_the_place_of_the_file(file: Path) -> None:
    with replacing(file) as new:
        new.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(file.parent.iterdir()) == [file]


def test_what_stands_where_it_is_written_is_not_written_to(file: Path) -> None:
    """A killed process has left it, or a stranger has made it, to read along or write elsewhere."""
    other = file.with_name("other")
    other.write_text("other")
    file.with_name(".file").symlink_to(other)
    with replacing(file) as new:
        new.write_text("new")
    assert other.read_text() == "other"
    assert not file.is_symlink()
    assert file.read_text() == "new"


def write_half(file: Path, ending: type[BaseException]) -> None:
    with replacing(file) as new:
        new.write_text("half")
        raise ending


@pytest.mark.parametrize("ending", [UserError, ValueError, KeyboardInterrupt])
def test_an_end_in_the_middle_leaves_the_file_alone(
    file: Path, ending: type[BaseException]
) -> None:
    with pytest.raises(ending):
        write_half(file, ending)
    assert file.read_text() == "old"
    assert list(file.parent.iterdir()) == [file]


def test_what_the_system_does_not_take_is_told_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"folder/file cannot be written \(No such file or direc"),
        replacing(tmp_path / "folder" / "file") as new,
    ):
        new.write_text("new")
