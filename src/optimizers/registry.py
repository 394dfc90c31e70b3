"""The optimizers that a run can name. A new one is a class and an entry here."""

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.shared.registry import Registry, load_target

if TYPE_CHECKING:
    from src.optimizers.base import Optimizer


@dataclass(frozen=True)
class OptimizerEntry:
    """An optimizer.

    Attributes:
        name: What ``--optimizer`` calls it.
        target: Its class, or where that is, as ``module:class``.
        reads: The hyperparameters that it takes besides the learning rate; it ignores all others.
    """

    name: str
    target: Any
    reads: tuple[str, ...] = ()

    @property
    def decouples_weight_decay(self) -> bool:
        """Whether it shrinks the kernels itself; of the others the loss has an L2 penalty."""
        return "weight_decay" in self.reads


_ADAM = ("beta_1", "beta_2", "epsilon")

OPTIMIZERS: Registry[OptimizerEntry] = Registry("optimizer")
for _entry in (
    OptimizerEntry("sgd", "src.optimizers.sgd:SGD"),
    OptimizerEntry("momentum", "src.optimizers.sgd:Momentum", ("momentum",)),
    OptimizerEntry("nag", "src.optimizers.sgd:Nesterov", ("momentum",)),
    OptimizerEntry("rmsprop", "src.optimizers.rmsprop:RMSProp", ("rho", "epsilon")),
    OptimizerEntry("adam", "src.optimizers.adam:Adam", _ADAM),
    OptimizerEntry("nadam", "src.optimizers.adam:NAdam", _ADAM),
    OptimizerEntry("adamw", "src.optimizers.adam:AdamW", (*_ADAM, "weight_decay")),
):
    OPTIMIZERS.register(_entry)


def get_optimizer(name: str, **hyperparameters: float) -> "Optimizer":
    """Make an optimizer by its short name.

    Args:
        name: One of ``OPTIMIZERS``.
        **hyperparameters: As its constructor takes them, such as ``learning_rate``.

    Raises:
        ValueError: For an unknown name or hyperparameter, or a value out of its range.
    """
    if name not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer {name!r}; it is one of {', '.join(OPTIMIZERS)}")
    make = load_target(OPTIMIZERS[name].target)
    known = inspect.signature(make).parameters
    for hyperparameter in hyperparameters:
        if hyperparameter not in known:
            raise ValueError(
                f"{name} has no hyperparameter {hyperparameter!r}; it takes {', '.join(known)}"
            )
    optimizer: Optimizer = make(**hyperparameters)
    return optimizer
