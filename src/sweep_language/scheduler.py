"""The ``scheduler`` of a sweep: who suggests its runs, if that is not the server's own search."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from src.sweep_language.errors import SweepFault
from src.sweep_language.reading import check_mapping, one_of

_PATH = ("scheduler",)


class Engine(StrEnum):
    """What ``wandb sweep-scheduler`` searches with, on the machine of whoever starts it."""

    WANDB = "wandb"
    OPTUNA = "optuna"
    AX = "ax"


def parse_scheduler(config: Mapping[str, Any]) -> Engine | None:
    """Read ``scheduler: {engine: ..., source: ..., optimizer: ..., search_space: ...}``.

    Raises:
        SweepFault: If it is no such mapping, or a sweep cannot have it.
    """
    scheduler = config.get("scheduler")
    if scheduler is None:
        return None
    check_mapping(scheduler, _PATH, ("engine", "source", "optimizer", "search_space"))
    engine = Engine(one_of(scheduler, "engine", list(Engine), _PATH))
    for key in ("optimizer", "search_space"):
        if key in scheduler and "source" not in scheduler:
            raise SweepFault((*_PATH, key), "names a function; give its file as source, too")
    if "early_terminate" in config:
        fault = "is up to the scheduler's engine; leave it out"
        raise SweepFault(("early_terminate",), fault)
    return engine
