"""RunConfig: every hyperparameter of a run, once, with its type, range and help.

The command-line flags, the parameters of a sweep, the config that W&B shows and the JSON beside a
checkpoint are all this one object.
"""

from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic.fields import FieldInfo

from src.config.registry import (
    OPTIMIZER_HYPERPARAMETERS,
    PICTURE_SIDES,
    DatasetName,
    ModelName,
    OptimizerName,
    Schedule,
    refusal,
)
from src.config.sizes import SIZE_LIMITS, Size, SizeList, SizeOrSizes, misfit, split_list
from src.shared.errors import UserError

Activation = Literal["sigmoid", "tanh", "relu", "gelu", "leaky_relu", "elu", "swish"]
WeightInit = Literal["random", "xavier", "he", "orthogonal", "lecun"]
Loss = Literal["cross_entropy", "mse"]
Pooling = Literal["max", "avg"]
Head = Literal["dense", "global"]
Cell = Literal["rnn", "lstm", "gru"]
TimePooling = Literal["last", "mean", "max"]
Precision = Literal["float32", "bfloat16"]
Jit = Literal["auto", "on", "off"]
Strategy = Literal["single", "mirrored"]


class RunConfig(BaseModel):
    """The complete, immutable description of one training run.

    Raises:
        pydantic.ValidationError: for an unknown key or a value outside its range.
            :meth:`parse` raises :class:`UserError` instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # Model
    model: ModelName = Field("mlp", description="family of the network")
    num_layers: int = Field(
        3, ge=0, le=100, description="hidden layers (an rnn has 1 unless told); 0 is for an mlp"
    )
    hidden_size: SizeOrSizes = Field(
        128, description="units of each hidden layer, or a list with one number a layer"
    )
    activation: Activation = Field("relu", description="activation of the hidden layers")
    weight_init: WeightInit = Field(
        "xavier",
        description="kernels: random is N(0, 0.05²), xavier and he are uniform, lecun is normal",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="share of hidden units dropped in training")
    batch_norm: bool = Field(False, description="normalise each hidden layer over the batch")
    filters: SizeList = Field((32, 64), description="cnn: filters of each block's convolutions")
    convolutions: int = Field(1, ge=1, le=10, description="cnn: convolutions in each block")
    kernel_size: int = Field(3, ge=1, le=15, description="cnn: side of the kernels in pixels")
    stride: int = Field(1, ge=1, le=8, description="cnn: stride of each block's first convolution")
    pooling: Pooling = Field("max", description="cnn: halves the picture after each block")
    head: Head = Field(
        "dense",
        description="cnn: after the blocks, a hidden dense layer or the mean over the picture",
    )
    width: int = Field(64, ge=1, le=1024, description="resnet: filters of the first of its stages")
    cell: Cell = Field("lstm", description="rnn: recurrent cell")
    bidirectional: bool = Field(False, description="rnn: read the sequence both ways")
    time_pooling: TimePooling = Field(
        "last", description="rnn: what the head sees of the outputs over time"
    )
    embedding_size: Size = Field(64, description="reviews: dimensions of a word's embedding")

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

    lr_schedule: Schedule = Field(
        "constant",
        description="learning rate over time; cosine ends at 0, one_cycle rises from 1/25 first",
    )
    warmup_epochs: float = Field(
        0.0,
        ge=0,
        description="epochs over which the learning rate rises from 0; of one_cycle, the rise "
        "[30 % of all epochs]",
    )
    lr_step_epochs: int = Field(10, ge=1, description="step: epochs between two reductions")
    lr_step_factor: float = Field(0.1, gt=0, le=1, description="step: factor of each reduction")
    clip_norm: float = Field(
        0.0, ge=0, description="scale gradients down to this global norm; 0 is never"
    )

    # Data
    dataset: DatasetName = Field("fashion_mnist", description="data set to train on")
    val_fraction: float = Field(
        0.1, gt=0, lt=1, description="share of the training set held out for validation, stratified"
    )
    vocabulary_size: int = Field(
        10_000, ge=3, le=1_000_000, description="reviews: words known, with padding and unknown"
    )
    sequence_length: int = Field(
        200, ge=1, le=10_000, description="reviews: words of a review that are read, its last ones"
    )
    shift: int = Field(
        0, ge=0, le=16, description="pictures: move each by up to this many pixels in training"
    )
    flip: bool = Field(False, description="pictures: mirror half of them in training")
    cutout: int = Field(
        0, ge=0, le=64, description="pictures: blank a square of this side in training"
    )

    # Training
    loss: Loss = Field("cross_entropy", description="mse is taken on the softmax outputs")
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="share of each training label spread over all classes"
    )
    batch_size: int = Field(32, ge=1, le=1_000_000, description="examples a step")
    epochs: int = Field(10, ge=1, le=100_000, description="passes over the training set")
    patience: int = Field(
        0, ge=0, description="stop after this many epochs without a better val_accuracy; 0 is never"
    )
    seed: int = Field(
        0,
        ge=0,
        lt=2**31,
        description="seed of weights, shuffling, dropout, augmentation and split",
    )

    # Engine
    precision: Precision = Field(
        "float32", description="bfloat16 computes in it, with weights kept in float32"
    )
    jit: Jit = Field("auto", description="compile with XLA; auto does where it is faster")
    strategy: Strategy = Field(
        "single", description="devices to train on; mirrored is all local GPUs"
    )

    # Tracking
    no_wandb: bool = Field(False, description="do not log to Weights & Biases")
    run_name: str | None = Field(
        None, min_length=1, max_length=128, description="name shown in W&B instead of a made-up one"
    )

    @model_validator(mode="before")
    @classmethod
    def _count_layers(cls, values: Any) -> Any:
        """An rnn has one layer unless told; a list of sizes says how many layers there are."""
        if not isinstance(values, dict):
            return values  # which is refused as such
        model = values.get("model", "mlp")
        sizes = split_list(values.get("hidden_size"))
        if model in ("mlp", "rnn") and isinstance(sizes, list | tuple):
            return {"num_layers": len(sizes)} | values
        return {"num_layers": 1} | values if model == "rnn" else values

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        for name in ("model", *sorted(self.model_fields_set)):
            if why := refusal(name, self.model, self.dataset):
                raise UserError(f"--{name}: {why}")
        if "hidden_size" in self.model_fields_set and not self.reads("hidden_size"):
            raise UserError("--hidden_size: it is for head dense; a global head has none")
        if self.model == "cnn":
            side = PICTURE_SIDES[self.dataset]
            if why := misfit(len(self.filters), self.stride, side, side):
                raise UserError(why)
        if self.model == "rnn" and self.num_layers == 0:
            raise UserError("--num_layers: an rnn has at least 1")
        if self.warmup_epochs and self.warmup_epochs >= self.epochs:
            raise UserError(
                f"--warmup_epochs: {self.warmup_epochs:g} leaves none of {self.epochs} epochs; "
                "it must be below epochs"
            )
        if self.jit == "on" and self.strategy == "mirrored":
            raise UserError("--jit: on is for strategy single; XLA cannot compile a mirrored step")
        sizes = self.hidden_size
        if self.model != "cnn" and isinstance(sizes, tuple) and len(sizes) != self.num_layers:
            raise UserError(
                f"--num_layers: {self.num_layers}, but hidden_size lists {len(sizes)}; "
                "leave num_layers out or give one size"
            )
        return self

    @model_serializer(mode="wrap")
    def _only_what_is_read(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What another model or kind of data would read is left out."""
        return {name: value for name, value in dump(self).items() if self.reads(name)}

    def reads(self, name: str) -> bool:
        """Whether this hyperparameter makes sense for this run's model and data set."""
        if name == "hidden_size" and self.model == "cnn":
            return self.head == "dense"
        return refusal(name, self.model, self.dataset) is None

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Units of each hidden layer: of an mlp, of an rnn, or of a cnn's head."""
        if isinstance(self.hidden_size, tuple):
            return self.hidden_size
        return (self.hidden_size,) * (1 if self.model == "cnn" else self.num_layers)

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Self:
        """Build a config from plain values.

        Raises:
            UserError: naming the first bad flag, its value and what is allowed, or the first one
                that makes no sense beside the others.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][0])
            if name not in cls.model_fields:
                raise UserError(f"unknown hyperparameter {name!r}") from None
            # Layers are not given by their number if they are counted from a list of sizes.
            raise _not_allowed(name, values.get(name, first["input"])) from None

    def optimizer_hyperparameters(self) -> dict[str, float]:
        """The hyperparameters that this run's optimizer reads, besides the learning rate."""
        return {name: getattr(self, name) for name in OPTIMIZER_HYPERPARAMETERS[self.optimizer]}


def parse_value(name: str, value: Any) -> Any:
    """The value of one field, whatever the others are.

    Raises:
        UserError: naming the flag, its value and what is allowed.
    """
    field = RunConfig.model_fields[name]
    annotated: Any = Annotated[field.annotation, field]
    try:
        return TypeAdapter(annotated).validate_python(value)
    except ValidationError:
        raise _not_allowed(name, value) from None


def _not_allowed(name: str, value: Any) -> UserError:
    return UserError(f"--{name}: {value!r} is not allowed; it takes {allowed(name)}")


def choices(name: str) -> tuple[str, ...]:
    """The values a field may take if it is one of a fixed set, else an empty tuple."""
    annotation = RunConfig.model_fields[name].annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def kind(name: str) -> type:
    """The plain Python type of a field: bool, int, float or str; int, too, if it may be a list."""
    annotation = RunConfig.model_fields[name].annotation
    plain: dict[Any, type] = {bool: bool, int: int, float: float}
    return plain.get(annotation, int if takes_list(name) else str)


def takes_list(name: str) -> bool:
    """Whether a field takes a list of whole numbers, besides a single one."""
    annotation = RunConfig.model_fields[name].annotation
    return any(
        get_origin(part) is tuple for part in (annotation, *map(_bare, get_args(annotation)))
    )


def allowed(name: str) -> str:
    """In words, what a field takes: ``one of adam, sgd`` or ``a number > 0``."""
    if options := choices(name):
        return "one of " + ", ".join(options)
    if takes_list(name):
        return f"a whole number {_limits(SIZE_LIMITS)}, or a list of up to 100 such as 64,32"
    noun = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}[
        kind(name)
    ]
    limits = _limits(RunConfig.model_fields[name])
    return f"{noun} {limits}" if limits else noun


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


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
