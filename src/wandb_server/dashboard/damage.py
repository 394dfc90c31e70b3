"""Pages of a damaged database: the parts that can be read are shown, and the banner says so."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from src.wandb_server.store.errors import DamagedError

T = TypeVar("T")
P = ParamSpec("P")


def read_or(nothing: T, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What is read, or nothing where the database is damaged."""
    try:
        return read(*args, **kwargs)
    except DamagedError:
        return nothing
