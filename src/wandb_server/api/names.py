"""Names of files, which their downloaders join to a folder, and of collections of artifacts."""

from src.wandb_server.api.arguments import MAX_NAME
from src.wandb_server.errors import RequestError


def check_file_name(name: str) -> None:
    """Refuse a name that, joined to a folder by whoever downloads it, would leave that folder.

    Raises:
        RequestError: The name is absolute, empty, too long or climbs.
    """
    parts = name.replace("\\", "/").split("/")
    if not name or not parts[0] or ".." in parts or "\0" in name or len(name) > 4096:
        raise RequestError(f"unacceptable file name {name[:100]!r}")


def check_collection_name(name: str) -> None:
    """Refuse a name under which a collection would not be found again: ``name:alias`` asks for it.

    Raises:
        RequestError: The name is empty, too long or has one of the signs of such an address.
    """
    if not name or "/" in name or ":" in name or len(name) > MAX_NAME:
        raise RequestError(
            f"an artifact collection needs a name without / and : of at most {MAX_NAME} characters"
        )
