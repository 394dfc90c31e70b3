"""Tables in docs/benchmarks.md and in the README, between the markers that name them."""

import re
from pathlib import Path

from src.shared.errors import UserError
from src.shared.paths import ROOT

README = ROOT / "README.md"
BENCHMARKS = ROOT / "docs" / "benchmarks.md"


def write(name: str, tables: str, summary: str = "") -> None:
    """Put a measurement's tables into docs/benchmarks.md, and its summary into the README.

    Raises:
        UserError: If the markers of one of them are broken.
    """
    for path, content in ((BENCHMARKS, tables), (README, summary)):
        if content and not update(name, content, path):
            print(f"{path.name} has no markers <!-- bench:{name} -->: its table was not updated")


def update(name: str, content: str, path: Path) -> bool:
    """Put ``content`` between ``<!-- bench:name -->`` and ``<!-- /bench:name -->``.

    Returns:
        Whether the file has these markers; without them it is left alone.

    Raises:
        UserError: If there is one marker without the other, or more than one pair.
    """
    start, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    text = path.read_text(encoding="utf-8")
    counts = (text.count(start), text.count(end))
    if counts == (0, 0):
        return False
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if counts != (1, 1) or not pattern.search(text):
        raise UserError(f"{path} needs {start} and after it {end}, once each; mend it by hand")
    block = f"{start}\n{content.strip()}\n{end}"
    path.write_text(pattern.sub(lambda _: block, text), encoding="utf-8")
    return True
