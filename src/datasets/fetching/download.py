"""HTTP downloads that give up in time, so that another source can be tried."""

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from tqdm import tqdm

from src.datasets.fetching.raw_file import SourceError

if TYPE_CHECKING:
    import requests

# A whole answer's head within this time, or the next source is asked.
ANSWER_SECONDS = 5.0
# Silence in the middle of a download.
STALL_SECONDS = 20.0


def download(url: str, output: BinaryIO) -> None:
    """Write the body of ``url`` to ``output``.

    Raises:
        SourceError: If it does not answer in :data:`ANSWER_SECONDS`, answers with an error, or
            stops in the middle.
    """
    import requests  # 0.1 s, which only a download should pay

    received = 0
    with _open(url) as response:
        total = int(response.headers.get("Content-Length", 0)) or None
        try:
            with progress_bar(url.rpartition("/")[2], total) as bar:
                for chunk in response.iter_content(1 << 18):
                    output.write(chunk)
                    received += len(chunk)
                    bar.update(len(chunk))
        except requests.RequestException as error:
            raise SourceError(f"{url} broke off after {received} bytes ({_name(error)})") from None


def progress_bar(description: str, total: int | None) -> "tqdm[NoReturn]":
    """A bar of bytes, on terminals only."""
    return tqdm(desc=description, total=total, unit="B", unit_scale=True, leave=False, disable=None)


def _open(url: str) -> "requests.Response":
    import requests

    answer: Future[requests.Response] = Future()

    def ask() -> None:
        try:
            answer.set_result(
                requests.get(url, stream=True, timeout=(ANSWER_SECONDS, STALL_SECONDS))
            )
        except Exception as error:
            answer.set_exception(error)

    # requests' timeouts hold for each of a host's addresses and not for name lookup, so behind a
    # firewall that drops packets they add up to minutes. A thread makes one limit for everything.
    threading.Thread(target=ask, daemon=True).start()
    try:
        response = answer.result(ANSWER_SECONDS)
    except (requests.RequestException, TimeoutError) as error:
        raise SourceError(f"{url} cannot be reached ({_name(error)})") from None
    if not response.ok:
        response.close()
        raise SourceError(f"{url} answered {response.status_code} {response.reason}")
    return response


def _name(error: Exception) -> str:
    return type(error).__name__
