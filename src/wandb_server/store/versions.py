"""Which version of the program has written a database, asked without touching it."""

from pathlib import Path

from src.wandb_server.store.errors import UnusableStoreError
from src.wandb_server.store.schema import MIGRATIONS

_AT = 60  # of the user version in a database's header: https://sqlite.org/fileformat.html


def refuse_newer(path: Path) -> None:
    """See that a database is none of a newer version; SQLite itself would make files beside it.

    What only the log beside it says is found when the database is opened.

    Args:
        path: The database file, which need not exist, or be one.

    Raises:
        UnusableStoreError: If it is of a newer version.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError:
        return  # opening it will say what is wrong
    version = int.from_bytes(header[_AT : _AT + 4], "big")
    if header.startswith(b"SQLite format 3\0"):
        check_version(path, version)


def check_version(path: Path, version: int) -> None:
    """Refuse a version that this program does not know.

    Raises:
        UnusableStoreError: It is newer.
    """
    if version > len(MIGRATIONS):
        raise UnusableStoreError(f"{path} was written by a newer version of Gradsweep")
