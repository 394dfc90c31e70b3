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
        lacks: Why it does not read some that others read, where that is not plain.
        defaults: Its own values of hyperparameters, unless told.
        xla_on_cpu: Whether XLA was measured to be the faster on a CPU.
        why_on_cpu: Why it is so executed there, for people.
        recurrent: Whether it has loops over time, made with what an Execution says of them.
    """

    name: str
    target: Any
    takes: tuple[DataKind, ...]
    reads: tuple[str, ...] = ()
    lacks: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    xla_on_cpu: bool = False
    why_on_cpu: str = "its entry does not say that XLA is faster on a CPU"
    recurrent: bool = False


_CONVOLUTIONS_ON_CPU = "on a CPU, oneDNN's convolutions are faster than XLA's"

ARCHITECTURES: Registry[Architecture] = Registry("model")
for _entry in (
    Architecture(
        "mlp",
        "src.architectures.mlp:build_mlp",
        takes=("pictures", "reviews"),
        reads=("num_layers", "hidden_size", "activation", "dropout", "batch_norm"),
        xla_on_cpu=True,
        why_on_cpu="an mlp on a CPU has small steps, whose overhead XLA removes",
    ),
    Architecture(
        "cnn",
        "src.architectures.cnn:build_cnn",
        takes=("pictures",),
        reads=(
            *("hidden_size", "activation", "dropout", "batch_norm"),
            *("filters", "convolutions", "kernel_size", "stride", "pooling", "head"),
        ),
        lacks={"num_layers": "a cnn's depth is that of filters and convolutions"},
        why_on_cpu=_CONVOLUTIONS_ON_CPU,
    ),
    Architecture(
        "rnn",
        "src.architectures.rnn:build_rnn",
        takes=("pictures", "reviews"),
        reads=("num_layers", "hidden_size", "dropout", "cell", "bidirectional", "time_pooling"),
        lacks={"activation": "the cells of an rnn have their own"},
        defaults={"num_layers": 1},
        why_on_cpu="an rnn on a CPU runs its directions side by side, each loop compiled by XLA",
        recurrent=True,
    ),
    Architecture(
        "resnet",
        "src.architectures.resnet:build_resnet",
        takes=("pictures",),
        reads=("activation", "width"),
        lacks={
            "num_layers": "a resnet's depth is 18",
            "hidden_size": "a resnet's size is its width",
            "dropout": "a resnet has batch norm instead",
            "batch_norm": "a resnet always has it",
        },
        why_on_cpu=_CONVOLUTIONS_ON_CPU,
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
