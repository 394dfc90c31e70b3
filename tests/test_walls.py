"""The walls between the rooms: who may import whom. What breaks one is named with file and line."""

import ast
import subprocess
import sys

import pytest

from src.shared.paths import ROOT
from tests.imports import Import, cycles, imports, imports_of, in_room, sources

ROOMS = sorted({".".join(module.split(".")[:2]) for module in sources() if module != "src"})
SERVER = ("src.wandb_server",)
# What both sides may use: the grammar of sweep files, and what every program has in common.
COMMON = ("src.shared", "src.sweep_language")
# Everything that trains, tracks or reports: it meets the server only through the wandb client.
NOT_SERVER = tuple(room for room in ROOMS if room not in (*SERVER, *COMMON))
TENSORS = ("src.architectures", "src.model", "src.optimizers", "src.training")


def breaches(importers: tuple[str, ...], imported: tuple[str, ...]) -> list[str]:
    """The imports that modules in some rooms make of others."""
    return [
        str(found)
        for found in imports()
        if in_room(found.importer, *importers) and in_room(found.target, *imported)
    ]


def outside(allowed: tuple[str, ...], imported: tuple[str, ...]) -> list[str]:
    """The imports of some modules that are made outside of the rooms where they may be."""
    return [
        str(found)
        for found in imports()
        if in_room(found.module, *imported) and not in_room(found.importer, *allowed)
    ]


def test_training_and_the_server_never_import_each_other() -> None:
    assert breaches(NOT_SERVER, SERVER) == []
    assert breaches(SERVER, NOT_SERVER) == []


def test_tensorflow_is_imported_only_where_tensors_are() -> None:
    assert outside(TENSORS, ("tensorflow", "keras")) == []


def test_wandb_is_imported_only_where_runs_are_tracked_and_sweeps_are_made() -> None:
    assert outside(("src.tracking", "src.sweeps"), ("wandb",)) == []


def test_sqlite_is_imported_only_in_the_store() -> None:
    assert outside(("src.wandb_server.store",), ("sqlite3",)) == []


def test_networks_and_optimizers_know_nothing_of_training() -> None:
    assert breaches(("src.architectures", "src.optimizers", "src.model"), ("src.training",)) == []


def test_optimizers_know_nothing_of_a_runs_configuration() -> None:
    assert breaches(("src.optimizers",), ("src.config", "src.model", "src.architectures")) == []


def test_the_sweep_language_imports_nothing_of_those_who_speak_it() -> None:
    assert breaches(("src.sweep_language",), (*NOT_SERVER, *SERVER)) == []


def test_shared_imports_no_room() -> None:
    assert breaches(("src.shared",), tuple(room for room in ROOMS if room != "src.shared")) == []


def test_a_figure_reads_no_files_and_knows_no_run() -> None:
    figures = tuple(module for module in sources() if module.endswith("figures"))
    assert len(figures) > 1
    assert breaches(figures, ("pathlib", "io", "os", "json")) == []
    assert breaches(figures, tuple(room for room in ROOMS if room != "src.reporting")) == []
    assert breaches(("src.reporting",), tuple(r for r in ROOMS if r != "src.reporting")) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert cycles() == []


def test_no_room_reaches_into_anothers_private_names() -> None:
    found = [
        str(one)
        for one in imports()
        if one.module.startswith("src")
        and any(
            part.startswith("_") and part != "__main__"
            for part in f"{one.module}.{one.name or ''}".split(".")
        )
        and room(one.importer) != room(one.module)
    ]
    assert found == []


def test_no_room_uses_private_attributes_of_anothers_modules() -> None:
    found = []
    for module, file in sources().items():
        tree = ast.parse((ROOT / file).read_text())
        taken = {
            one.called
            for one in imports_of((ROOT / file).read_text(), file)
            if one.target in sources() and room(one.target) != room(module)
        }
        found += [
            f"{file}:{node.lineno}: {ast.unparse(node)}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and not node.attr.startswith("__")
            and ast.unparse(node.value) in taken
        ]
    assert found == []


def test_no_module_of_src_is_named_like_one_of_pythons_own() -> None:
    # `cd src` puts src/ first on the path.
    taken = [path.stem for path in (ROOT / "src").iterdir() if path.stem in sys.stdlib_module_names]
    assert taken == []


@pytest.mark.parametrize("script", ["train.py", "evaluate.py"])
def test_scripts_run_from_inside_src(script: str) -> None:
    command = [sys.executable, script, "--help"]
    result = subprocess.run(command, cwd=ROOT / "src", capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def room(module: str) -> tuple[str, ...]:
    """The room of a module: of the server's, the inner one."""
    parts = module.split(".")
    return tuple(parts[: 3 if in_room(module, *SERVER) else 2])


def test_the_reader_of_imports_sees_all_forms() -> None:
    source = (
        "from typing import TYPE_CHECKING\n"
        "import a.b\n"
        "if TYPE_CHECKING:\n    import only.types\n"
        "def f():\n    from c import d as e, g\n"
    )
    assert [str(one) for one in imports_of(source, "x.py")] == [
        "x.py:1: from typing import TYPE_CHECKING",
        "x.py:2: import a.b",
        "x.py:6: from c import d as e",
        "x.py:6: from c import g",
    ]
    assert Import("src/sweeps/x.py", 1, "src.datasets", "loading").target == "src.datasets.loading"
    assert Import("src/sweeps/x.py", 1, "src.datasets", "fetch").target == "src.datasets"
