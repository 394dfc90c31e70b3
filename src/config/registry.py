"""Which hyperparameters a run reads: it depends on its model, data set, optimizer and schedule.

A hyperparameter of another model family or kind of data is refused, with the reason. One of
another optimizer or schedule is ignored, so that one sweep can search several of them.
"""

from typing import Literal

ModelName = Literal["mlp", "cnn", "rnn", "resnet"]
DatasetName = Literal["fashion_mnist", "mnist", "cifar10", "imdb", "synthetic", "synthetic_reviews"]
DataKind = Literal["pictures", "reviews"]
OptimizerName = Literal["sgd", "momentum", "nag", "rmsprop", "adam", "nadam", "adamw"]
Schedule = Literal["constant", "cosine", "step", "one_cycle"]

DATA_KINDS: dict[DatasetName, DataKind] = {
    "fashion_mnist": "pictures",
    "mnist": "pictures",
    "cifar10": "pictures",
    "imdb": "reviews",
    "synthetic": "pictures",
    "synthetic_reviews": "reviews",
}
PICTURE_SIDES: dict[DatasetName, int] = {
    "fashion_mnist": 28,
    "mnist": 28,
    "cifar10": 32,
    "synthetic": 8,
}

# The hyperparameters that each optimizer reads; it ignores the others.
OPTIMIZER_HYPERPARAMETERS: dict[OptimizerName, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("momentum",),
    "nag": ("momentum",),
    "rmsprop": ("rho", "epsilon"),
    "adam": ("beta_1", "beta_2", "epsilon"),
    "nadam": ("beta_1", "beta_2", "epsilon"),
    "adamw": ("beta_1", "beta_2", "epsilon", "weight_decay"),
}
# The same for each learning-rate schedule.
SCHEDULE_HYPERPARAMETERS: dict[Schedule, tuple[str, ...]] = {
    "constant": (),
    "cosine": (),
    "step": ("lr_step_epochs", "lr_step_factor"),
    "one_cycle": (),
}

_CONVOLUTIONS = "no other model has convolutions to choose"
_RECURRENCE = "no other model has recurrent cells"
# The models that read a hyperparameter, and why the others do not. One not named here all read.
_MODELS: dict[str, tuple[tuple[ModelName, ...], str]] = {
    "num_layers": (
        ("mlp", "rnn"),
        "a cnn's depth is that of filters and convolutions, a resnet's is 18",
    ),
    "hidden_size": (("mlp", "cnn", "rnn"), "a resnet's size is its width"),
    "activation": (("mlp", "cnn", "resnet"), "the cells of an rnn have their own"),
    "dropout": (("mlp", "cnn", "rnn"), "a resnet has batch norm instead"),
    "batch_norm": (("mlp", "cnn"), "a resnet always has it, an rnn never"),
    "filters": (("cnn",), _CONVOLUTIONS),
    "convolutions": (("cnn",), _CONVOLUTIONS),
    "kernel_size": (("cnn",), _CONVOLUTIONS),
    "stride": (("cnn",), _CONVOLUTIONS),
    "pooling": (("cnn",), _CONVOLUTIONS),
    "head": (("cnn",), _CONVOLUTIONS),
    "width": (("resnet",), "the other models have hidden_size or filters"),
    "cell": (("rnn",), _RECURRENCE),
    "bidirectional": (("rnn",), _RECURRENCE),
    "time_pooling": (("rnn",), _RECURRENCE),
}
_DATA: dict[str, tuple[DataKind, str]] = {
    "embedding_size": ("reviews", "pixels are not embedded"),
    "sequence_length": ("reviews", "pictures have the size they have"),
    "vocabulary_size": ("reviews", "pictures have no words"),
    "shift": ("pictures", "reviews have no pixels"),
    "flip": ("pictures", "reviews have no pixels"),
    "cutout": ("pictures", "reviews have no pixels"),
}


def refusal(name: str, model: ModelName, dataset: DatasetName) -> str | None:
    """Why this hyperparameter makes no sense for this model on this data set, or None if it does.

    For ``name`` "model": why the model and the data set do not go together.
    """
    kind = DATA_KINDS[dataset]
    if name == "model" and model in ("cnn", "resnet") and kind == "reviews":
        return f"a {model} takes pictures, {dataset} has {kind}; use mlp or rnn"
    if name in _MODELS and model not in _MODELS[name][0]:
        models, why = _MODELS[name]
        return f"it is for model {' or '.join(models)}, not {model}: {why}"
    if name in _DATA and kind != _DATA[name][0]:
        wanted, why = _DATA[name]
        return f"it is for {wanted}, and {dataset} has {kind}: {why}"
    return None


def ignored(optimizer: OptimizerName, schedule: Schedule | None) -> set[str]:
    """The hyperparameters that only other optimizers or other schedules read.

    A schedule of None is that of a run from before there were any.
    """
    others = {name for names in OPTIMIZER_HYPERPARAMETERS.values() for name in names}
    others |= {name for names in SCHEDULE_HYPERPARAMETERS.values() for name in names}
    # Weight decay everybody reads: where the optimizer does not, the loss does.
    read = {
        *OPTIMIZER_HYPERPARAMETERS[optimizer],
        *SCHEDULE_HYPERPARAMETERS[schedule or "constant"],
    }
    return others - read - {"weight_decay"}
