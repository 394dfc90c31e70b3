"""A disk that is full, in the log: on one that is nearly full, some writes still succeed."""

from src.wandb_server.http.episodes import Episode


class StorageTrouble(Episode):
    """Whether data can be stored at the moment; it begins with the error of a write."""

    def __init__(self) -> None:
        super().__init__(
            "the data cannot be stored: %s; clients will try again until it works",
            "the data can be stored again",
        )
