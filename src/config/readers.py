"""Which runs read a hyperparameter, by their model, data, optimizer and schedule.

One of another model or kind of data is refused, with the reason. One of another optimizer or
schedule is ignored, so that one sweep can search several. The tables are open: optimizers in
``src/optimizers/registry.py``, schedules in ``src/optimizers/schedules.py``.
"""

from typing import Any

from src.architectures.registry import ARCHITECTURES
from src.config.fields import fact
from src.config.registry import KIND_READS, kinds_that_read, models_that_read
from src.config.run_config import RunConfig
from src.optimizers.registry import OPTIMIZERS
from src.optimizers.schedules import SCHEDULES
from src.shared.registry import Registry

# The hyperparameters whose value chooses which of the others are read, and what it is chosen from.
_CHOOSERS: dict[str, Registry[Any]] = {"optimizer": OPTIMIZERS, "lr_schedule": SCHEDULES}


def conditional_readers() -> dict[str, dict[str, list[str]]]:
    """For each chooser, the conditional hyperparameters: by which of its choices they are read."""
    return {
        chooser: {
            name: readers
            for name, field in RunConfig.model_fields.items()
            if fact(field, "conditional")
            and (readers := [choice for choice, entry in table.items() if name in entry.reads])
        }
        for chooser, table in _CHOOSERS.items()
    }


def ignored(optimizer: str, schedule: str | None) -> set[str]:
    """The hyperparameters that only other optimizers or other schedules read.

    A schedule of None is that of a run from before there were any.
    """
    chosen = {"optimizer": optimizer, "lr_schedule": schedule or "constant"}
    return {
        name
        for chooser, readers in conditional_readers().items()
        for name, choices in readers.items()
        if chosen[chooser] not in choices
    }


def readers_in_words(name: str) -> str:
    """The models, kinds of data, optimizers or schedules that read it; empty if all runs do."""
    models, kinds = models_that_read(name), kinds_that_read(name)
    readers = [", ".join(models)] if len(models) < len(ARCHITECTURES) else []
    readers += [", ".join(kinds)] if len(kinds) < len(KIND_READS) else []
    for table in conditional_readers().values():
        readers += [", ".join(table[name])] if name in table else []
    return "; ".join(readers)


def default_in_words(name: str) -> str:
    """The default, and those of the models that have their own; empty if there is none."""
    default = RunConfig.model_fields[name].default
    own = [
        f"{_plain(entry.defaults[name])} of {model}"
        for model, entry in ARCHITECTURES.items()
        if name in entry.defaults
    ]
    return ", ".join([*([] if default is None else [_plain(default)]), *own])


def _plain(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
