"""Tables in the README, between the markers that name them."""

import re
from pathlib import Path

from src.shared.errors import UserError
from src.shared.paths import ROOT

README = ROOT / "README.md"


def update(name: str, content: str, path: Path = README) -> bool:
    """Put ``content`` between ``<!-- bench:name -->`` and ``<!-- /bench:name -->``.

    Returns:
        Whether the file has these markers; without them it is left alone.

    Raises:
        UserError: if there is one marker without the other, or more than one pair.
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
