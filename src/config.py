"""RunConfig: every hyperparameter of a run, once, with its type, range and help.

The command-line flags, the parameters of a sweep, the config that W&B shows and the JSON beside a
checkpoint are all this one object.
"""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from src.errors import UserError

Activation = Literal["sigmoid", "tanh", "relu", "gelu"]
WeightInit = Literal["random", "xavier", "he"]
OptimizerName = Literal["sgd", "momentum", "nag", "rmsprop", "adam", "nadam", "adamw"]
Loss = Literal["cross_entropy", "mse"]
DatasetName = Literal["fashion_mnist", "mnist", "synthetic"]

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


class RunConfig(BaseModel):
    """The complete, immutable description of one training run.

    Raises:
        pydantic.ValidationError: for an unknown key or a value outside its range.
            :meth:`parse` raises :class:`UserError` instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # Model
    num_layers: int = Field(3, ge=0, le=100, description="hidden layers; 0 is softmax regression")
    hidden_size: int = Field(128, ge=1, le=65536, description="units of each hidden layer")
    activation: Activation = Field("relu", description="activation of the hidden layers")
    weight_init: WeightInit = Field(
        "xavier", description="kernels: random is N(0, 0.05²), xavier and he are uniform"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="share of hidden units dropped in training")

    # Optimizer
    optimizer: OptimizerName = Field("adam", description="update rule")
    learning_rate: float = Field(0.001, gt=0, description="step size")
    weight_decay: float = Field(
        0.0,
        ge=0,
        description="L2: adds weight_decay * sum(kernel²)/2 to the loss, kernels only; "
        "adamw instead shrinks the kernels directly (decoupled)",
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of momentum and nag")
    beta_1: float = Field(0.9, ge=0, lt=1, description="first-moment decay of adam, nadam, adamw")
    beta_2: float = Field(
        0.999, ge=0, lt=1, description="second-moment decay of adam, nadam, adamw"
    )
    epsilon: float = Field(1e-7, gt=0, description="numerical floor of rmsprop and the adam family")
    rho: float = Field(0.9, ge=0, lt=1, description="decay of rmsprop's mean square")

    # Training
    dataset: DatasetName = Field("fashion_mnist", description="data set to train on")
    loss: Loss = Field("cross_entropy", description="mse is taken on the softmax outputs")
    batch_size: int = Field(32, ge=1, le=1_000_000, description="examples a step")
    epochs: int = Field(10, ge=1, le=100_000, description="passes over the training set")
    patience: int = Field(
        0, ge=0, description="stop after this many epochs without a better val_accuracy; 0 is never"
    )
    val_fraction: float = Field(
        0.1, gt=0, lt=1, description="share of the training set held out for validation, stratified"
    )
    seed: int = Field(
        0, ge=0, lt=2**31, description="seed of weights, shuffling, dropout and split"
    )

    # Tracking
    no_wandb: bool = Field(False, description="do not log to Weights & Biases")
    run_name: str | None = Field(
        None, min_length=1, max_length=128, description="name shown in W&B instead of a made-up one"
    )

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Self:
        """Build a config from plain values.

        Raises:
            UserError: naming the first bad flag, its value and what is allowed.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][0])
            if name not in cls.model_fields:
                raise UserError(f"unknown hyperparameter {name!r}") from None
            raise UserError(
                f"--{name}: {first['input']!r} is not allowed; it takes {allowed(name)}"
            ) from None

    def optimizer_hyperparameters(self) -> dict[str, float]:
        """The hyperparameters that this run's optimizer reads, besides the learning rate."""
        return {name: getattr(self, name) for name in OPTIMIZER_HYPERPARAMETERS[self.optimizer]}


def choices(name: str) -> tuple[str, ...]:
    """The values a field may take if it is one of a fixed set, else an empty tuple."""
    annotation = RunConfig.model_fields[name].annotation
    return getattr(annotation, "__args__", ()) if _is_literal(annotation) else ()


def kind(name: str) -> type:
    """The plain Python type of a field: bool, int, float or str."""
    annotation = RunConfig.model_fields[name].annotation
    plain: dict[Any, type] = {bool: bool, int: int, float: float}
    return plain.get(annotation, str)


def allowed(name: str) -> str:
    """In words, what a field takes: ``one of adam, sgd`` or ``a number > 0``."""
    if options := choices(name):
        return "one of " + ", ".join(options)
    noun = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}[
        kind(name)
    ]
    limits = _limits(RunConfig.model_fields[name])
    return f"{noun} {limits}" if limits else noun


def _is_literal(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is Literal


def _limits(field: FieldInfo) -> str:
    symbols = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    words = {"min_length": "of at least {} characters", "max_length": "of at most {} characters"}
    parts = []
    for constraint in field.metadata:
        for attribute, symbol in symbols.items():
            if (limit := getattr(constraint, attribute, None)) is not None:
                parts.append(f"{symbol} {limit}")
        for attribute, phrase in words.items():
            if (limit := getattr(constraint, attribute, None)) is not None:
                parts.append(phrase.format(limit))
    return " and ".join(parts)
