"""What the modules of this project import, read from their source."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from src.shared.paths import ROOT


@dataclass(frozen=True)
class Import:
    """One name that a module imports.

    Attributes:
        file: The module's file, from the root.
        line: Of the import.
        module: What is imported, or where it is imported from.
        name: The name that is taken from there, or None of a plain import.
        alias: What the importing module calls it, if it says ``as``.
    """

    file: str
    line: int
    module: str
    name: str | None
    alias: str | None = None

    def __str__(self) -> str:
        what = f"from {self.module} import {self.name}" if self.name else f"import {self.module}"
        renamed = f" as {self.alias}" if self.alias else ""
        return f"{self.file}:{self.line}: {what}{renamed}"

    @property
    def called(self) -> str:
        """How the importing module's code writes it."""
        return self.alias or self.name or self.module

    @property
    def importer(self) -> str:
        """The importing module's dotted name."""
        return module_name(self.file)

    @property
    def target(self) -> str:
        """The module that is meant: ``name`` may be one of a package's."""
        if self.name and f"{self.module}.{self.name}" in sources():
            return f"{self.module}.{self.name}"
        return self.module


def module_name(file: str) -> str:
    """``src/training/run.py`` is ``src.training.run``."""
    return file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


@cache
def sources() -> dict[str, str]:
    """File of each module of the product, by its dotted name."""
    files = [ROOT / "run_sweep.py", *sorted((ROOT / "src").rglob("*.py"))]
    paths = [str(file.relative_to(ROOT)) for file in files]
    return {module_name(path): path for path in paths}


@cache
def imports() -> tuple[Import, ...]:
    """All imports of the product, those inside functions too, but none that only types need."""
    return tuple(
        found
        for file in sources().values()
        for found in imports_of((ROOT / file).read_text(), file)
    )


def imports_of(source: str, file: str) -> Iterator[Import]:
    """The imports of one module."""
    tree = ast.parse(source)
    only_types = {
        node
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.unparse(test.test)
        for statement in test.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if node in only_types:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name, None, alias.asname)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute"
            for alias in node.names:
                yield Import(file, node.lineno, str(node.module), alias.name, alias.asname)


def in_room(module: str, *rooms: str) -> bool:
    """Whether a module is one of the rooms or in one of them."""
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def cycles() -> list[list[str]]:
    """The groups of modules that import each other in a circle."""
    edges: dict[str, set[str]] = {module: set() for module in sources()}
    for found in imports():
        if found.target in edges and found.target != found.importer:
            edges[found.importer].add(found.target)
    return [group for group in _connected(edges) if len(group) > 1]


def _connected(edges: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components (Tarjan 1972, https://doi.org/10.1137/0201010)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    components: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in sorted(edges[module]):
            if other not in index:
                visit(other)
            if other in stack:
                low[module] = min(low[module], low[other])
        if low[module] == index[module]:
            components.append(stack[stack.index(module) :])
            del stack[stack.index(module) :]

    for module in sorted(edges):
        if module not in index:
            visit(module)
    return components
