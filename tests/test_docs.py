"""The documents are true: what they name exists, and what exists is named."""

import io
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from src.shared.paths import ROOT
from tests import error_messages, reference

DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
CONFIGS = sorted((ROOT / "config").rglob("*.yaml"))
# Flags of other programs that the documents name.
_FOREIGN_FLAGS = {"--relogin", "--update", "--forward-signals", "--flag"}
# Folders and files that running makes.
_MADE = (".venv", ".gradsweep", "models/", "plots/", "wandb/", "benchmarks/results/partial/")
_FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*")


# The page that tells all of a program's flags.
PAGES = {
    "src.train": ("docs/hyperparameters.md", "docs/guides/training.md"),
    "src.evaluate": ("docs/guides/training.md",),
    "run_sweep": ("docs/guides/sweeps.md",),
    "src.wandb_server": ("docs/guides/server.md",),
    **{
        f"src.wandb_server {command}": ("docs/guides/server.md",)
        for command in ("check", "backup", "restore")
    },
    "src.datasets": ("docs/guides/data.md",),
    **{
        f"benchmarks.{file.stem}": ("docs/benchmarks.md",)
        for file in (ROOT / "benchmarks").glob("*.py")
        if re.search(r'"__main__":\n.*\bmain\b', file.read_text())
    },
}


@cache
def flags(program: str) -> frozenset[str]:
    """The flags that a program's ``--help`` lists."""
    module, *command = program.split()
    package = (ROOT / module.replace(".", "/")).is_dir()
    main = import_module(f"{module}.__main__" if package else module).main
    shown = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(shown), suppress(SystemExit):
        patch.setattr(sys, "argv", [module, *command, "--help"])
        main()
    return frozenset(re.findall(r"^  (?:-\w, )?(--[a-z]\w*)", shown.getvalue(), re.MULTILINE))


def targets() -> set[str]:
    """The targets that `make help` lists."""
    makefile = (ROOT / "Makefile").read_text()
    return set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))


def code(document: Path) -> Iterator[str]:
    """What is set as code in a document: whole blocks, and spans in a line."""
    text = document.read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    yield from blocks
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"(?<!`)`([^`\n]+)`(?!`)", rest)


# One quotes messages about flags that do not exist, the other tells of flags that did.
OF_TODAY = [path for path in DOCUMENTS if path.stem not in ("troubleshooting", "CHANGELOG")]


@pytest.mark.parametrize("document", OF_TODAY, ids=lambda path: path.name)
def test_every_flag_that_is_named_exists(document: Path) -> None:
    named = {flag for text in code(document) for flag in _FLAG.findall(text)}
    assert named - frozenset().union(*map(flags, PAGES)) - _FOREIGN_FLAGS == set()


@pytest.mark.parametrize("program", PAGES)
def test_every_flag_of_a_program_is_on_its_page(program: str) -> None:
    named = {flag for page in PAGES[program] for flag in _FLAG.findall((ROOT / page).read_text())}
    assert flags(program)
    assert flags(program) - named - {"--help"} == set()


def test_every_target_of_make_that_is_named_exists_and_all_are_named() -> None:
    commands = "\n".join(text for document in DOCUMENTS for text in code(document))
    named = set(re.findall(r"^make ([a-z-]+)", commands, re.MULTILINE))
    assert named == targets()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings_that_exist(document: Path) -> None:
    missing = []
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if link.startswith("http"):
            continue
        path, _, heading = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (heading and heading not in _anchors(target)):
            missing.append(link)
    assert missing == []


def _anchors(document: Path) -> set[str]:
    """The headings of a document as links name them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_and_modules_that_are_named_exist(document: Path) -> None:
    missing = []
    for text in code(document):
        for path in re.findall(r"(?<![\w/.<{])(?:src|tests|config|docs|benchmarks)/[\w./-]*", text):
            if not (ROOT / path.rstrip(".")).exists() and not path.startswith(_MADE):
                missing.append(path)
        for module in re.findall(r"-m ((?:src|tests|benchmarks)(?:\.\w+)*)(?![\w.])", text):
            file = ROOT / module.replace(".", "/")
            if not (file.with_suffix(".py").exists() or (file / "__main__.py").exists()):
                missing.append(module)
    assert missing == []


def test_every_error_has_an_entry_in_troubleshooting_and_every_entry_an_error() -> None:
    messages, entries = error_messages.messages(), error_messages.entries()
    assert {where: text for text, where in messages.items() if text not in entries} == {}
    assert [entry for entry in entries if entry not in messages] == []
    assert len(messages) > 150  # the reader of the source has found them


def test_an_error_without_an_entry_would_be_found() -> None:
    source = 'def f(x):\n    raise UserError(f"{x} is quite wrong; mend it")\n'
    assert error_messages.messages_of(source, "src/x.py") == [(2, "… is quite wrong; mend it")]


def test_the_reference_of_hyperparameters_is_what_make_docs_writes() -> None:
    assert reference.HYPERPARAMETERS.read_text() == reference.hyperparameters()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
def test_a_config_says_in_its_head_how_to_run_it_how_long_it_takes_and_what_it_gives(
    config: Path,
) -> None:
    lines = config.read_text().split("\n")
    head = [line for line in lines[:12] if line.startswith("#")]
    said = {line[2:].split(":")[0] for line in head if ":" in line}
    assert {"Run", "Takes", "Gives"} <= said
    (run,) = [line for line in head if line.startswith("# Run:")]
    assert str(config.relative_to(ROOT)) in run


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len((ROOT / "README.md").read_text().split("\n")) <= 170
