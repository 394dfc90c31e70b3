"""Names of files, which their downloaders join to a folder."""

from src.wandb_server.errors import RequestError


def check_file_name(name: str) -> None:
    """Refuse a name that, joined to a folder by whoever downloads it, would leave that folder.

    Raises:
        RequestError: The name is absolute, empty, too long or climbs.
    """
    parts = name.replace("\\", "/").split("/")
    if not name or not parts[0] or ".." in parts or "\0" in name or len(name) > 4096:
        raise RequestError(f"unacceptable file name {name[:100]!r}")
