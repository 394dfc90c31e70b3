import os
import subprocess
import sys
from pathlib import Path

import pytest

from src.datasets import CATALOGUE
from tests.datasets.local_sources import ROOT


def run(cache: Path | None, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command with a cache of its own, or with the user's."""
    return subprocess.run(
        [sys.executable, "-m", "src.datasets", *arguments],
        cwd=ROOT,
        env=os.environ | ({"GRADSWEEP_CACHE": str(cache)} if cache else {}),
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_listing_shows_every_data_set_with_sizes_licence_and_cache(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    for dataset in CATALOGUE.values():
        (line,) = (
            line for line in result.stdout.splitlines() if line.startswith(f"{dataset.name} ")
        )
        assert dataset.title in line
        assert f"{dataset.train_size:,}" in line
        assert f"{dataset.test_size:,}" in line
        assert line.endswith(dataset.licence)
        assert (" no " in line) == bool(dataset.files)
    assert str(tmp_path / "datasets" / "mnist") in result.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nope",), "error: unknown data set 'nope'; choose one of fashion_mnist, mnist,"),
        (("fetch", "nope"), "error: unknown data set 'nope'"),
        (("fetch",), "error: fetch needs a name"),
        # Checked before anything is fetched.
        (("mnist", "nope"), "error: unknown data set 'nope'"),
    ],
)
def test_a_bad_name_is_one_line_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run(tmp_path, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [("synthetic",), ("fetch", "synthetic")])
def test_there_is_nothing_to_fetch_for_a_data_set_made_in_memory(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    result = run(tmp_path, *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert "nothing to fetch" in result.stdout


@pytest.mark.real_data
def test_fetch_says_where_the_files_are_and_the_listing_that_they_are_cached() -> None:
    result = run(None, "fetch", "mnist")
    assert result.returncode == 0
    folder = Path(result.stdout.removeprefix("MNIST is in ").strip())
    assert len(list(folder.glob("*-ubyte"))) == 4
    assert " yes, 55 MB " in run(None).stdout


def test_neither_tensorflow_wandb_nor_scikit_learn_is_imported() -> None:
    """So that listing, fetching and --help answer at once."""
    code = "import sys, src.datasets.__main__; print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert not {"tensorflow", "keras", "wandb", "sklearn", "requests"} & set(shown.split())
