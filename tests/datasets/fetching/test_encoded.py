"""The cache of reviews as numbers: right, whole, made once, also by several processes."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from src.datasets.fetching import encoded as encoded_module
from src.datasets.fetching.encoded import encoded_reviews
from src.datasets.formats import imdb
from src.datasets.formats.words import EncodedReviews, decode, encode
from src.shared.errors import UserError
from tests.datasets.local_reviews import CONTENT, many_reviews, tiny_reviews
from tests.datasets.local_sources import ROOT, serving

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tiny reviews are cached in this test; their raw file lies there already."""
    monkeypatch.setenv("GRADSWEEP_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "datasets" / "tiny_reviews"
    folder.mkdir(parents=True)
    (folder / imdb.FILE).write_bytes(CONTENT)
    return folder


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one whenever words are numbered."""
    made: list[str] = []

    def counted(*halves: object) -> EncodedReviews:
        made.append("made")
        return encode(*halves)  # type: ignore[arg-type]

    monkeypatch.setattr(encoded_module, "encode", counted)
    return made


def stored_in(folder: Path) -> Path:
    (path,) = folder.glob("words-*.npz")
    return path


def assert_right(reviews: EncodedReviews) -> None:
    assert reviews.vocabulary[:4] == ("film", "bad", "good", "is")
    assert decode(reviews.train.rows(100, 4), reviews.vocabulary) == [
        *("bad bad film", "bad don't see it", "good film", "is good see it"),
    ]
    assert decode(reviews.test.rows(100, 9), reviews.vocabulary) == [
        *("bad film bad [?]", "[?] film [?] [?]", "good film [?] good", "[?] [?] [?]"),
    ]
    assert reviews.train.y.tolist() == reviews.test.y.tolist() == [0, 0, 1, 1]


def test_the_second_time_it_comes_from_the_cache_and_is_the_same(
    made: list[str], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert_right(encoded_reviews(tiny_reviews()))
    assert "numbering the words" in capfd.readouterr().err
    (folder / imdb.FILE).unlink()  # what is stored is enough
    assert_right(encoded_reviews(tiny_reviews()))
    assert made == ["made"]
    assert capfd.readouterr().err == ""
    assert sorted(path.name for path in folder.iterdir()) == [".lock", stored_in(folder).name]


def test_every_flipped_bit_is_noticed_and_mended(
    made: list[str], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    encoded_reviews(tiny_reviews())
    path = stored_in(folder)
    content = path.read_bytes()
    places = np.linspace(30, len(content) - 1, 60).astype(int)
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 8
        path.write_bytes(damaged)
        assert_right(encoded_reviews(tiny_reviews()))
    assert "is damaged" in capfd.readouterr().err
    # Bits that a zip has no use for, dates and such, change nothing.
    assert len(made) > len(places) // 2


@pytest.mark.parametrize("offset", [8, 10], ids=["encrypted", "compressed as nobody does"])
def test_a_header_that_asks_for_what_cannot_be_is_damage(
    made: list[str], folder: Path, capfd: pytest.CaptureFixture[str], offset: int
) -> None:
    """Where a zip's directory has the flags and the method of its last file."""
    encoded_reviews(tiny_reviews())
    path = stored_in(folder)
    damaged = bytearray(path.read_bytes())
    damaged[damaged.rindex(b"PK\x01\x02") + offset] ^= 1
    path.write_bytes(damaged)
    assert_right(encoded_reviews(tiny_reviews()))
    assert "is damaged" in capfd.readouterr().err
    assert made == ["made", "made"]


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04", CONTENT])
def test_what_is_no_such_file_is_made_again(made: list[str], folder: Path, content: bytes) -> None:
    encoded_reviews(tiny_reviews())
    stored_in(folder).write_bytes(content)
    assert_right(encoded_reviews(tiny_reviews()))
    assert len(made) == 2


def test_a_pickle_in_its_place_is_not_opened(made: list[str], folder: Path) -> None:
    class Touch:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(folder / "opened"),)

    encoded_reviews(tiny_reviews())
    path = stored_in(folder)
    np.savez(path, vocabulary=np.array([Touch()], dtype=object))
    assert_right(encoded_reviews(tiny_reviews()))
    assert len(made) == 2
    assert not (folder / "opened").exists()


def test_other_raw_files_or_another_tokeniser_have_a_file_of_their_own(
    made: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded_reviews(tiny_reviews())
    other = CONTENT.replace(b"Good", b"Fine")
    (folder / imdb.FILE).write_bytes(other)
    assert "fine" in encoded_reviews(tiny_reviews(content=other)).vocabulary
    monkeypatch.setattr(encoded_module, "TOKENISER", "another")
    encoded_reviews(tiny_reviews(content=other))
    assert len(list(folder.glob("words-*.npz"))) == len(made) == 3


def test_reviews_made_in_memory_are_not_cached(tmp_path: Path) -> None:
    dataset = replace(
        tiny_reviews(),
        name="in_memory",
        files=(),
        decode=lambda half, files: imdb.decode_reviews_json(half, {imdb.FILE: CONTENT}),
    )
    assert_right(encoded_reviews(dataset))
    assert not (tmp_path / "cache" / "datasets" / "in_memory").exists()


def test_a_cache_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRADSWEEP_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"cannot use the cache .*GRADSWEEP_CACHE") as caught:
        encoded_reviews(tiny_reviews())
    assert "\n" not in str(caught.value)


@pytest.fixture
def start(folder: Path) -> Start:
    """Starts a process that numbers many reviews."""

    def start(address: str, **options: object) -> "subprocess.Popen[str]":
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            [sys.executable, "-m", "tests.datasets.local_reviews", address],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    (folder / imdb.FILE).write_bytes(many_reviews())
    return start


def test_processes_at_once_make_one_whole_file_and_only_once(start: Start, folder: Path) -> None:
    processes = [start("http://127.0.0.1:1/") for _ in range(3)]
    said = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    assert "".join(said).count("numbering the words") == 1
    assert sorted(path.name for path in folder.iterdir()) == [
        *(".lock", imdb.FILE, stored_in(folder).name),
    ]
    reviews = encoded_reviews(tiny_reviews(content=many_reviews()))
    assert len(reviews.train.ends) == 4000
    assert len(reviews.vocabulary) == 5000


def test_a_process_killed_in_the_middle_does_not_disturb_the_next(
    start: Start, folder: Path
) -> None:
    killed = start("http://127.0.0.1:1/")
    assert killed.stderr is not None
    assert "numbering the words" in killed.stderr.readline()
    killed.kill()
    killed.wait(60)
    following = start("http://127.0.0.1:1/")
    assert "numbering the words" in following.communicate(timeout=120)[1]
    assert following.returncode == 0
    assert stored_in(folder).stat().st_size > 1_000_000


def test_a_full_disk_is_one_line_and_leaves_nothing(start: Start, folder: Path) -> None:
    """A limit on the size of files stands in for the disk: the write itself fails for real."""
    with serving({}) as server:
        full = start(
            server.address,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        )
        _, shown = full.communicate(timeout=120)
    assert full.returncode == 2
    assert shown.splitlines()[-1].startswith("error: cannot use the cache")
    assert sorted(path.name for path in folder.iterdir()) == [".lock", imdb.FILE]
