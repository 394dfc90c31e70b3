"""Network architectures: a RunConfig and the facts of a data set become a Keras model."""

from collections.abc import Callable
from typing import Any

from src.architectures.cnn import build_cnn
from src.architectures.mlp import build_mlp
from src.architectures.resnet import build_resnet
from src.architectures.rnn import build_rnn
from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec

_BUILDERS: dict[str, Callable[[RunConfig, InputSpec], Any]] = {
    "mlp": build_mlp,
    "cnn": build_cnn,
    "resnet": build_resnet,
    "rnn": build_rnn,
}


def build_model(config: RunConfig, spec: InputSpec) -> Any:
    """The Keras model of the family that ``config.model`` names, from raw examples to logits.

    Raises:
        UserError: if the examples are too small for it.
    """
    return _BUILDERS[config.model](config, spec)
