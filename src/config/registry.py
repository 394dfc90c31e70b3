"""Which models and kinds of data read a hyperparameter; a run of another that has it is refused.

The tables are open: models in ``src/architectures/registry.py``, data sets in
``src/datasets/catalogue.py``.
"""

from src.architectures.registry import ARCHITECTURES
from src.datasets.catalogue import CATALOGUE
from src.datasets.spec import DataKind

# The hyperparameters that only one kind of data has a use for.
KIND_READS: dict[DataKind, tuple[str, ...]] = {
    "pictures": ("shift", "flip", "cutout"),
    "reviews": ("embedding_size", "sequence_length", "vocabulary_size"),
}


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
        why = f"it is for model {' or '.join(models)}, not {model}"
        because = ARCHITECTURES[model].lacks.get(name)
        return f"{why}: {because}" if because else why
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
