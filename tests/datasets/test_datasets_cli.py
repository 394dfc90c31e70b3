import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

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
        (("show", "nope"), "error: unknown data set 'nope'"),
        (("fetch",), "error: fetch needs a name"),
        (("show",), "error: show needs a name"),
        (("--nope",), "error: unknown argument --nope"),
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


def test_show_prints_tables_of_pictures_and_draws_samples(tmp_path: Path) -> None:
    result = run(tmp_path / "cache", "show", "synthetic", "--output_dir", str(tmp_path / "plots"))
    assert (result.returncode, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert "\ntrain (1200, 8, 8, 1) uint8, 0.1 MB\n" in result.stdout
    assert ["checkerboard", "300", "25.0%", "100", "25.0%"] in lines
    assert ["train", "0", "0", "255", "0.5032", "0.2434"] in lines
    assert ["test", "in", "train", "0", "0"] in lines
    figure = tmp_path / "plots" / "synthetic_samples.png"
    assert result.stdout.splitlines()[-1] == f"Figure: {figure}"
    with Image.open(figure) as image:
        image.verify()


def test_show_prints_tables_and_samples_of_reviews_and_draws_lengths(tmp_path: Path) -> None:
    result = run(tmp_path, "show", "synthetic_reviews", "--output_dir", str(tmp_path / "plots"))
    assert (result.returncode, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["positive", "600", "50.0%", "200", "50.0%"] in lines
    assert ["train", "4", "23", "38", "39"] in lines
    assert ["48", "100.0%", "100.0%"] in lines
    assert ["within", "train", "0", "0"] in lines
    assert result.stdout.count("A positive one, number") == 2
    assert result.stdout.splitlines()[-1].endswith("synthetic_reviews_lengths.png")
    assert (tmp_path / "plots" / "synthetic_reviews_lengths.png").stat().st_size > 10_000


def test_a_folder_that_cannot_be_drawn_into_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run(tmp_path, "show", "synthetic", "--output_dir", str(tmp_path / "file"))
    assert result.returncode == 2
    assert result.stderr.startswith("error: cannot write ")
    assert result.stderr.rstrip().endswith("choose another --output_dir")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("cifar10", ["within train 0 0", "truck 5,000 10.0% 1,000 10.0%"]),
        ("imdb", ["test in train 123 0", "200 41.4% 40.3%", "10000 94.4% 93.9%"]),
    ],
)
def test_show_of_real_data(tmp_path: Path, name: str, facts: list[str]) -> None:
    result = run(None, "show", name, "--output_dir", str(tmp_path))
    assert result.returncode == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    for fact in facts:
        assert fact.split() in lines
    assert len(list(tmp_path.glob(f"{name}_*.png"))) == 1


@pytest.mark.real_data
def test_fetch_says_where_the_files_are_and_the_listing_that_they_are_cached() -> None:
    result = run(None, "fetch", "mnist")
    assert result.returncode == 0
    folder = Path(result.stdout.removeprefix("MNIST is in ").strip())
    assert len(list(folder.glob("*-ubyte"))) == 4
    assert " yes, 55 MB " in run(None).stdout


def test_showing_imports_neither_tensorflow_nor_wandb() -> None:
    code = "import sys, src.datasets.show; print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert not {"tensorflow", "keras", "wandb"} & set(shown.split())


def test_neither_tensorflow_wandb_nor_scikit_learn_is_imported() -> None:
    """So that listing, fetching and --help answer at once."""
    code = "import sys, src.datasets.__main__; print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert not {"tensorflow", "wandb", "sklearn", "requests", "matplotlib", "pandas"} & set(
        shown.split()
    )
