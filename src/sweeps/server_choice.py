"""Which W&B server is asked for: a module of its own, so that --help need not wait for wandb."""

from enum import StrEnum


class ServerChoice(StrEnum):
    """Which W&B server a sweep is to run on.

    Attributes:
        AUTO: The user's own if there is an API key for it, else the embedded one.
        LOCAL: The embedded one.
        CLOUD: The user's own, W&B's cloud or another.
    """

    AUTO = "auto"
    LOCAL = "local"
    CLOUD = "cloud"
