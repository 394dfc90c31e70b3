"""The tables of the docs change between their markers only, and are what was measured."""

import re
from pathlib import Path

import pytest

from benchmarks import accuracy, documents, results, scaling, startup, throughput_table
from benchmarks.accuracy_table import accuracy_summary, accuracy_table
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
    assert documents.update("speed", "| a\\1 |\n", path)
    assert path.read_text() == TEXT.replace("old", "| a\\1 |")


def test_again_changes_nothing(path: Path) -> None:
    documents.update("speed", "new", path)
    once = path.read_bytes()
    documents.update("speed", "new", path)
    assert path.read_bytes() == once


def test_without_markers_nothing_changes(path: Path) -> None:
    assert not documents.update("memory", "new", path)
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
        documents.update("speed", "new", path)
    assert path.read_text() == text


def test_a_measurement_writes_its_tables_and_its_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long, short = tmp_path / "benchmarks.md", tmp_path / "README.md"
    monkeypatch.setattr(documents, "BENCHMARKS", long)
    monkeypatch.setattr(documents, "README", short)
    long.write_text(TEXT)
    short.write_text(TEXT)
    documents.write("speed", "tables")
    assert (long.read_text(), short.read_text()) == (TEXT.replace("old", "tables"), TEXT)
    documents.write("speed", "tables", "in short")
    assert short.read_text() == TEXT.replace("old", "in short")


def between_markers(name: str, path: Path) -> str:
    found = re.search(
        f"<!-- bench:{name} -->\n(.*?)\n<!-- /bench:{name} -->", path.read_text(), re.DOTALL
    )
    assert found, f"{path} has no table {name}"
    return found[1]


def test_the_tables_of_speed_are_those_of_the_recorded_samples() -> None:
    measured = results.load("throughput")
    assert between_markers("throughput", documents.BENCHMARKS) == throughput_table.tables(measured)
    assert between_markers("throughput", documents.README) == throughput_table.summary(measured)
    assert between_markers("scaling", documents.BENCHMARKS) == scaling.text(results.load("scaling"))
    assert between_markers("startup", documents.BENCHMARKS) == startup.text(results.load("startup"))


def test_the_tables_of_accuracy_are_those_of_the_recorded_runs() -> None:
    known = accuracy.subjects().values()
    rows = accuracy.table_rows(known, accuracy.load(accuracy.RESULTS))
    assert between_markers("accuracy", documents.BENCHMARKS) == accuracy_table(rows)
    assert between_markers("accuracy", documents.README) == accuracy_summary(rows)
