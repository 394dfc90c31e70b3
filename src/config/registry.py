"""What a run can name, and which hyperparameters it then reads.

The tables are open: models in ``src/architectures/registry.py``, optimizers in
``src/optimizers/registry.py``, schedules in ``src/optimizers/schedules.py``, data sets in
``src/datasets/catalogue.py``. A hyperparameter of another model or kind of data is refused, with
the reason. One of another optimizer or schedule is ignored, so that one sweep can search several.
"""

from typing import Any

from src.architectures.registry import ARCHITECTURES
from src.datasets.catalogue import CATALOGUE
from src.datasets.spec import DataKind
from src.optimizers.registry import OPTIMIZERS
from src.optimizers.schedules import SCHEDULES
from src.shared.registry import Registry

# The hyperparameters that only one kind of data has a use for.
KIND_READS: dict[DataKind, tuple[str, ...]] = {
    "pictures": ("shift", "flip", "cutout"),
    "reviews": ("embedding_size", "sequence_length", "vocabulary_size"),
}
# The hyperparameters whose value chooses which of the others are read, and what it is chosen from.
_CHOOSERS: dict[str, Registry[Any]] = {"optimizer": OPTIMIZERS, "lr_schedule": SCHEDULES}


def models_that_read(name: str) -> tuple[str, ...]:
    """The models that read a hyperparameter: all of them if none says that it does."""
    readers = tuple(model for model, entry in ARCHITECTURES.items() if name in entry.reads)
    return readers or tuple(ARCHITECTURES)


def kinds_that_read(name: str) -> tuple[DataKind, ...]:
    """The kinds of data for which a hyperparameter is read."""
    readers = tuple(kind for kind, names in KIND_READS.items() if name in names)
    return readers or tuple(KIND_READS)


def why_unread(name: str, model: str, dataset: str) -> str | None:
    """Why a hyperparameter makes no sense for this model on this data set; None if it does."""
    kind = CATALOGUE[dataset].spec.kind
    if model not in (models := models_that_read(name)):
        return f"it is for model {' or '.join(models)}, not {model}"
    if kind not in (kinds := kinds_that_read(name)):
        return f"it is for {' or '.join(kinds)}, and {dataset} has {kind}"
    return None


def why_model_cannot(model: str, dataset: str) -> str | None:
    """Why a model cannot be trained on a data set; None if it can."""
    kind = CATALOGUE[dataset].spec.kind
    if kind in ARCHITECTURES[model].takes:
        return None
    others = " or ".join(name for name, entry in ARCHITECTURES.items() if kind in entry.takes)
    takes = " or ".join(ARCHITECTURES[model].takes)
    return f"a {model} takes {takes}, {dataset} has {kind}; use {others}"


def conditional_readers() -> dict[str, dict[str, list[str]]]:
    """For each chooser, the hyperparameters that not all of its choices read: by which they are.

    Not weight decay: where the optimizer does not decouple it, the loss has it.
    """
    return {
        chooser: {
            name: [choice for choice, other in table.items() if name in other.reads]
            for entry in table.values()
            for name in entry.reads
            if name != "weight_decay"
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
