"""The models that a run can name. A new one is a module with a builder and an entry here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from src.architectures.execution import PLAIN, Execution
from src.datasets.spec import DataKind
from src.shared.registry import Registry, load_target


@dataclass(frozen=True)
class Architecture:
    """A family of networks.

    Attributes:
        name: What ``--model`` calls it.
        target: Its builder, or where that is, as ``module:function``: from a RunConfig, an
            InputSpec and an Execution to a Keras model from raw examples to logits.
        takes: The kinds of data that it can be given.
        reads: The hyperparameters that no model reads but those that say so.
        defaults: Its own values of hyperparameters, unless told.
    """

    name: str
    target: Any
    takes: tuple[DataKind, ...]
    reads: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)


ARCHITECTURES: Registry[Architecture] = Registry("model")
for _entry in (
    Architecture(
        "mlp",
        "src.architectures.mlp:build_mlp",
        takes=("pictures", "reviews"),
        reads=("num_layers", "hidden_size", "activation", "dropout", "batch_norm"),
    ),
    Architecture(
        "cnn",
        "src.architectures.cnn:build_cnn",
        takes=("pictures",),
        reads=(
            *("hidden_size", "activation", "dropout", "batch_norm"),
            *("filters", "convolutions", "kernel_size", "stride", "pooling", "head"),
        ),
    ),
    Architecture(
        "rnn",
        "src.architectures.rnn:build_rnn",
        takes=("pictures", "reviews"),
        reads=("num_layers", "hidden_size", "dropout", "cell", "bidirectional", "time_pooling"),
        defaults={"num_layers": 1},
    ),
    Architecture(
        "resnet",
        "src.architectures.resnet:build_resnet",
        takes=("pictures",),
        reads=("activation", "width"),
    ),
):
    ARCHITECTURES.register(_entry)


def build_model(config: Any, spec: Any, execution: Execution = PLAIN) -> Any:
    """The Keras model of the family that ``config.model`` names, from raw examples to logits.

    Args:
        config: The RunConfig.
        spec: The InputSpec of the examples.
        execution: How its steps will be executed.

    Raises:
        UserError: If the examples are too small for it.
    """
    return load_target(ARCHITECTURES[config.model].target)(config, spec, execution)
