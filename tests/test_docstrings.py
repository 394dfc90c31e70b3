"""Docstrings are of one dialect: Google's, every entry a sentence that starts with a capital."""

import ast
import re
from collections.abc import Iterator

from src.shared.paths import ROOT
from tests.imports import sources

_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields):$")
_ENTRY = re.compile(r"^[\w*., `]+?(?: \([^)]*\))?: (?P<text>.*)$")


def docstrings(source: str) -> Iterator[tuple[int, list[str]]]:
    """Line and lines of every docstring, without their common indentation."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield node.body[0].lineno, text.split("\n")


def lower_case_entries(source: str) -> list[str]:
    """The entries of sections that do not start with a capital, by line."""
    found = []
    for line, text in docstrings(source):
        section = ""
        for i, row in enumerate(text):
            if match := _SECTION.match(row):
                section, first = match[1], True
                continue
            if not row.startswith("    "):
                section = section if not row else ""
                continue
            if not section or row.startswith("     "):
                continue
            if section in ("Returns", "Yields"):
                said = row.strip() if first else "A"
                first = False
            else:
                entry = _ENTRY.match(row.strip())
                said = entry["text"] if entry else "A"
            if said[:1].islower():
                found.append(f"{line + i}: {row.strip()}")
    return found


def test_every_entry_of_a_docstring_starts_with_a_capital() -> None:
    faults = {
        file: entries
        for file in sources().values()
        if (entries := lower_case_entries((ROOT / file).read_text()))
    }
    assert faults == {}


def test_a_lower_case_entry_is_found() -> None:
    source = (
        'def f(a, b):\n    """One line.\n\n    Args:\n        a: The first\n            of two.\n'
        '        b: its other.\n\n    Returns:\n        a number.\n    """\n'
    )
    assert lower_case_entries(source) == ["7: b: its other.", "10: a number."]
