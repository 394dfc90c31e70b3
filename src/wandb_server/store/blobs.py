"""Uploaded contents on disk, and the signed addresses under which they are sent and fetched.

A content's file name is made here and never by a client, so no upload can leave the folder.
"""

import base64
import hashlib
import hmac
import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool

from src.wandb_server.errors import NotFoundError, RequestError, TooLargeError

MAX_UPLOAD = 16 * 2**30
FILES = "files"  # the folder of contents, beside the database
_BLOB_ID = re.compile(r"[0-9a-f]{32}")


class BlobStorage:
    """The folder of contents.

    Args:
        folder: Where contents are kept.
        key: The secret with which addresses are signed.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._key = key.encode()
        folder.mkdir(exist_ok=True, mode=0o700)

    @staticmethod
    def place(blob_id: str) -> str:
        """Where the content is within the folder, or will be."""
        return f"{blob_id[:2]}/{blob_id}"

    def path(self, blob_id: str) -> Path:
        """Where the content is, or will be."""
        if not _BLOB_ID.fullmatch(blob_id):
            raise NotFoundError("no such file")
        return self._folder / self.place(blob_id)

    def url(self, base_url: str, blob_id: str) -> str:
        """The address to PUT and GET a content, valid without the API key."""
        return f"{base_url}/storage/{blob_id}?signature={self._signature(blob_id)}"

    def signed(self, blob_id: str, signature: str) -> bool:
        """Whether the signature of an address is ours."""
        return hmac.compare_digest(signature.encode(), self._signature(blob_id).encode())

    def _signature(self, blob_id: str) -> str:
        return hmac.new(self._key, blob_id.encode(), hashlib.sha256).hexdigest()

    async def receive(
        self, blob_id: str, chunks: AsyncIterator[bytes], expected_md5: str | None
    ) -> tuple[int, str]:
        """Put a content in place, whole or not at all.

        Args:
            blob_id: Which content.
            chunks: The body.
            expected_md5: Base64 MD5 that it must have, if known.

        Returns:
            The size in bytes and the MD5 in base64.

        Raises:
            RequestError: The content is not the expected one, or too large.
        """
        target = self.path(blob_id)
        target.parent.mkdir(exist_ok=True, mode=0o700)
        digest = hashlib.md5(usedforsecurity=False)
        size = 0
        handle, name = tempfile.mkstemp(dir=self._folder, prefix="upload-")
        try:
            with os.fdopen(handle, "wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > MAX_UPLOAD:
                        raise TooLargeError("the file is too large")
                    digest.update(chunk)
                    file.write(chunk)
                await run_in_threadpool(_sync, file)
            md5 = base64.b64encode(digest.digest()).decode()
            if expected_md5 is not None and md5 != expected_md5:
                raise RequestError("the content does not have the MD5 that was announced")
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        await run_in_threadpool(_sync_folder, target.parent)
        return size, md5

    def write(self, blob_id: str, content: bytes) -> tuple[int, str]:
        """Put a content that the server made itself in place; see :meth:`receive`."""
        target = self.path(blob_id)
        target.parent.mkdir(exist_ok=True, mode=0o700)
        temporary = target.with_suffix(".new")
        with temporary.open("wb") as file:
            file.write(content)
            _sync(file)
        temporary.replace(target)
        _sync_folder(target.parent)
        md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        return len(content), md5

    def remove_leftovers(self) -> None:
        """Delete uploads that a killed server left unfinished."""
        for path in self._folder.glob("upload-*"):
            path.unlink()


def contents(folder: Path) -> Iterator[Path]:
    """All contents that lie in a folder of contents."""
    return folder.glob("[0-9a-f][0-9a-f]/*")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    # The rename itself is only durable once the directory is synced.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
