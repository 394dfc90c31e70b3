"""The messages that the program prints when something is wrong, read from its source.

`python -m tests.error_messages` lists those that docs/troubleshooting.md lacks, and those of its
entries that are no message.
"""

import ast
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from src.shared.paths import ROOT

TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
ANY = "…"  # what is filled in when it is printed

# What is called with a message: to raise it, to refuse a line of a file, to say it at once.
_CALLED = {
    "UserError",
    "PortTakenError",
    "SourceError",
    "SweepFault",
    "YamlFault",
    "ArgumentTypeError",
    "_fail",
    "say",
}
# Methods that return what is then printed, besides the rules between hyperparameters.
_SAYING = {"tend", "_tend"}
_REASONS = "src/config"
# A text with fewer words of its own passes on another message.
_WORDS = 2
_ENTRY = re.compile(r"^- (`+)(.+?)\1(?!`)", re.MULTILINE)
_MAKE_ERROR = re.compile(r'\|\| \{ echo "([^"]+)"; exit')
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def messages() -> dict[str, str]:
    """Every message, with ``…`` for what is filled in, and where it is in the source."""
    found: dict[str, str] = {}
    for path in (ROOT / "run_sweep.py", *_sources("src"), *_sources("benchmarks")):
        where = str(path.relative_to(ROOT))
        for line, text in messages_of(path.read_text(encoding="utf-8"), where):
            found.setdefault(text, f"{where}:{line}")
    for text in _MAKE_ERROR.findall((ROOT / "Makefile").read_text(encoding="utf-8")):
        found[_normalised(re.sub(r"\$\([^)]+\)", ANY, text))] = "Makefile"
    return found


def entries() -> list[str]:
    """The messages that the document names."""
    text = TROUBLESHOOTING.read_text(encoding="utf-8")
    return [_normalised(match[2]) for match in _ENTRY.finditer(text)]


def messages_of(source: str, where: str) -> list[tuple[int, str]]:
    """The messages in a module's source, each with its line."""
    reader = _Reader(where.startswith(_REASONS))
    reader.visit(ast.parse(source))
    return [(line, text) for line, text in reader.found if _own_words(text) >= _WORDS]


@dataclass
class _Scope:
    """The texts that the variables of a function may hold, and whether what it returns is one."""

    texts: dict[str, list[ast.expr]] = field(default_factory=dict)
    says: bool = False


class _Reader(ast.NodeVisitor):
    """Collects messages.

    Args:
        reasons: Whether functions that return a text or None return what is wrong.
    """

    def __init__(self, reasons: bool) -> None:
        self.found: list[tuple[int, str]] = []
        self._reasons = reasons
        self._scopes = [_Scope()]
        self._in_error = False

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        before = self._in_error
        self._in_error = any(ast.unparse(base) in _CALLED for base in node.bases)
        self.generic_visit(node)
        self._in_error = before

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        reason = node.returns is not None and ast.unparse(node.returns) == "str | None"
        says = node.name in _SAYING or (self._reasons and reason)
        self._scopes.append(_Scope(_assigned(node), says))
        self.generic_visit(node)
        self._scopes.pop()

    def visit_Call(self, node: ast.Call) -> None:
        called = ast.unparse(node.func)
        name = called.rpartition(".")[2]
        to_stderr = any(ast.unparse(keyword.value) == "sys.stderr" for keyword in node.keywords)
        of_error = called == "super().__init__" and self._in_error
        if name in _CALLED or of_error or (name == "print" and to_stderr):
            self._add(node.lineno, node.args)
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if self._scopes[-1].says and node.value is not None:
            inner = node.value.elts if isinstance(node.value, ast.List) else [node.value]
            self._add(node.lineno, inner)
        self.generic_visit(node)

    def _add(self, line: int, expressions: Iterable[ast.expr]) -> None:
        for expression in expressions:
            self.found += [(line, _normalised(text)) for text in self._texts(expression)]

    def _texts(self, node: ast.expr, depth: int = 0) -> list[str]:
        """The texts that an expression may have as its value."""
        if isinstance(node, ast.Constant):
            return [node.value] if isinstance(node.value, str) else []
        if isinstance(node, ast.JoinedStr):
            parts = (self._texts(part, depth) or [ANY] for part in node.values)
            return ["".join(chosen) for chosen in itertools.product(*parts)]
        if isinstance(node, ast.FormattedValue):
            texts = self._texts(node.value, depth)
            return texts if texts and "" not in texts else [ANY]
        if isinstance(node, ast.IfExp):
            return self._texts(node.body, depth) + self._texts(node.orelse, depth)
        if isinstance(node, ast.Name) and depth < 2:
            expressions = self._scopes[-1].texts.get(node.id, [])
            return [text for one in expressions for text in self._texts(one, depth + 1)]
        return []


def _assigned(function: _Function) -> dict[str, list[ast.expr]]:
    """What is assigned to the variables of a function, if it is all texts."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    assigned.setdefault(target.id, []).append(node.value)
    texts = (ast.Constant, ast.JoinedStr, ast.IfExp)
    return {name: v for name, v in assigned.items() if all(isinstance(one, texts) for one in v)}


def _normalised(text: str) -> str:
    """With single blanks, and one sign for what is filled in, however many parts it has."""
    return re.sub(f"{ANY}({ANY})+", ANY, " ".join(text.split()))


def _own_words(text: str) -> int:
    return len(re.findall(r"[^\W\d_]{2,}", text))


def _sources(folder: str) -> Iterator[Path]:
    yield from sorted((ROOT / folder).rglob("*.py"))


if __name__ == "__main__":
    named, printed = entries(), messages()
    for text, where in printed.items():
        if text not in named:
            print(f"lacks   {where}: {text}")
    for text in named:
        if text not in printed:
            print(f"no such {text}")
