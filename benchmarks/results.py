"""Where results go: benchmarks/results/, or its folder partial/ if not everything was measured.

Samples are saved as they are gathered; tables are made from them at the end, or, of a run that was
interrupted, by ``--write_docs``.
"""

import json
import re
from pathlib import Path
from typing import Any

from benchmarks import documents
from src.shared.atomic import replacing
from src.shared.errors import UserError
from src.shared.paths import ROOT

FOLDER = ROOT / "benchmarks" / "results"


def folder(whole: bool) -> Path:
    """The folder for results of a whole or a partial run; it exists."""
    path = FOLDER if whole else FOLDER / "partial"
    path.mkdir(parents=True, exist_ok=True)
    return path


def save(name: str, measured: dict[str, Any], *, whole: bool) -> None:
    """Write the samples."""
    path = folder(whole) / f"{name}.json"
    with replacing(path) as new:
        text = json.dumps(measured, indent=1)
        # A list of numbers is one line.
        text = re.sub(r"\[[-\d\s.,e+nul]+\]", lambda found: " ".join(found[0].split()), text)
        new.write_text(text + "\n", encoding="utf-8")


def load(name: str) -> dict[str, Any]:
    """The samples of the last whole run, as far as it came.

    Raises:
        UserError: if there are none.
    """
    path = FOLDER / f"{name}.json"
    if not path.exists():
        raise UserError(f"{path} does not exist; measure first: python -m benchmarks.{name}")
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values


def publish(
    name: str, measured: dict[str, Any], markdown: str, *, whole: bool, summary: str = ""
) -> None:
    """Print and write tables and samples; the tables of a whole run go into the docs, too.

    Args:
        name: The measurement's.
        measured: Its samples.
        markdown: Its tables.
        whole: Whether everything was measured.
        summary: What the README has of it.

    Raises:
        UserError: If the documents' markers are broken; the results are written before.
    """
    print(markdown)
    save(name, measured, whole=whole)
    stem = folder(whole) / name
    stem.with_suffix(".md").write_text(markdown.strip() + "\n", encoding="utf-8")
    print(f"Results   {stem}.json and {stem.name}.md")
    if whole:
        documents.write(name, markdown, summary)
