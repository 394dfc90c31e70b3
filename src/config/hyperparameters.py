"""The hyperparameters: every one that there is, once, with its type, range, default and help.

A new one is a field here, and a name in the ``reads`` of what reads it, unless all runs do.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict

from src.architectures.registry import ARCHITECTURES
from src.config.fields import OneOf, Section, declare
from src.config.sizes import Size, SizeList, SizeOrSizes
from src.datasets.catalogue import CATALOGUE
from src.datasets.spec import SEQUENCE_LENGTH, VOCABULARY_SIZE
from src.optimizers.limits import LIMITS
from src.optimizers.registry import OPTIMIZERS
from src.optimizers.schedules import SCHEDULES

ModelName = Annotated[str, OneOf(ARCHITECTURES)]
DatasetName = Annotated[str, OneOf(CATALOGUE)]
OptimizerName = Annotated[str, OneOf(OPTIMIZERS)]
Schedule = Annotated[str, OneOf(SCHEDULES)]
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

_model, _optimizer = declare(Section.MODEL), declare(Section.OPTIMIZER)
_data, _training = declare(Section.DATA), declare(Section.TRAINING)
_tracking = declare(Section.TRACKING)


class Hyperparameters(BaseModel):
    """The fields of a :class:`~src.config.run_config.RunConfig`, each checked by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # Model
    model: ModelName = _model("mlp", "family of the network")
    num_layers: int = _model(3, "hidden layers; 0 is a linear classifier", ge=0, le=100)
    hidden_size: SizeOrSizes = _model(
        128, "units of each hidden layer, or a list with one number a layer"
    )
    activation: Activation = _model("relu", "activation of the hidden layers")
    weight_init: WeightInit = _model(
        "xavier",
        "kernels: random is N(0, 0.05²), xavier and he are uniform, lecun is normal",
        compiled=False,
    )
    dropout: float = _model(0.0, "share of hidden units dropped in training", ge=0, lt=1)
    batch_norm: bool = _model(False, "normalise each hidden layer over the batch")
    filters: SizeList = _model((32, 64), "filters of each block's convolutions")
    convolutions: int = _model(1, "convolutions in each block", ge=1, le=10)
    kernel_size: int = _model(3, "side of the kernels in pixels", ge=1, le=15)
    stride: int = _model(1, "stride of each block's first convolution", ge=1, le=8)
    pooling: Pooling = _model("max", "halves the picture after each block")
    head: Head = _model(
        "dense", "after the blocks, a hidden dense layer or the mean over the picture"
    )
    width: int = _model(64, "filters of the first stage", ge=1, le=1024)
    cell: Cell = _model("lstm", "recurrent cell")
    bidirectional: bool = _model(False, "read the sequence both ways")
    time_pooling: TimePooling = _model("last", "what the head sees of the outputs over time")
    embedding_size: Size = _model(64, "dimensions of a word's embedding")

    # Optimizer
    optimizer: OptimizerName = _optimizer("adam", "update rule")
    learning_rate: float = _optimizer(0.001, "step size", **LIMITS["learning_rate"], compiled=False)
    weight_decay: float = _optimizer(
        0.0,
        "L2: adds weight_decay * sum(kernel²)/2 to the loss, kernels only; "
        "adamw instead shrinks the kernels directly (decoupled)",
        **LIMITS["weight_decay"],
    )
    momentum: float = _optimizer(
        0.9, "share of the velocity that each step keeps", **LIMITS["momentum"], conditional=True
    )
    beta_1: float = _optimizer(
        0.9, "decay of the mean gradient", **LIMITS["beta_1"], conditional=True
    )
    beta_2: float = _optimizer(
        0.999, "decay of the mean square of the gradient", **LIMITS["beta_2"], conditional=True
    )
    epsilon: float = _optimizer(
        1e-7, "numerical floor of the divisor", **LIMITS["epsilon"], conditional=True
    )
    rho: float = _optimizer(
        0.9, "decay of the mean square of the gradient", **LIMITS["rho"], conditional=True
    )

    lr_schedule: Schedule = _optimizer(
        "constant",
        "learning rate over time; cosine ends at 0, one_cycle rises from 1/25 first",
        compiled=False,
    )
    warmup_epochs: float = _optimizer(
        0.0,
        "epochs over which the learning rate rises from 0; of one_cycle, the rise "
        "[30 % of all epochs]",
        ge=0,
        compiled=False,
    )
    lr_step_epochs: int = _optimizer(
        10, "epochs between two reductions", ge=1, compiled=False, conditional=True
    )
    lr_step_factor: float = _optimizer(
        0.1, "factor of each reduction", gt=0, le=1, compiled=False, conditional=True
    )
    clip_norm: float = _optimizer(0.0, "scale gradients down to this global norm; 0 is never", ge=0)

    # Data
    dataset: DatasetName = _data("fashion_mnist", "data set to train on", compiled=False)
    val_fraction: float = _data(
        0.1,
        "share of the training set held out for validation, stratified",
        gt=0,
        lt=1,
        compiled=False,
    )
    vocabulary_size: int = _data(
        VOCABULARY_SIZE, "words known, with padding and unknown", ge=3, le=1_000_000
    )
    sequence_length: int = _data(
        SEQUENCE_LENGTH, "words of a review that are read, its last ones", ge=1, le=10_000
    )
    shift: int = _data(0, "move each picture by up to this many pixels in training", ge=0, le=16)
    flip: bool = _data(False, "mirror half of the pictures in training")
    cutout: int = _data(0, "blank a square of this side in each picture in training", ge=0, le=64)

    # Training
    loss: Loss = _training("cross_entropy", "mse is taken on the softmax outputs")
    label_smoothing: float = _training(
        0.0, "share of each training label spread over all classes", ge=0, lt=1
    )
    batch_size: int = _training(32, "examples a step", ge=1, le=1_000_000)
    epochs: int = _training(10, "passes over the training set", ge=1, le=100000, compiled=False)
    patience: int = _training(
        0,
        "stop after this many epochs without a better val_accuracy; 0 is never",
        ge=0,
        compiled=False,
    )
    seed: int = _training(
        0,
        "seed of weights, shuffling, dropout, augmentation and split",
        ge=0,
        lt=2**31,
        compiled=False,
    )

    precision: Precision = _training(
        "float32", "bfloat16 computes in it, with weights kept in float32"
    )
    jit: Jit = _training("auto", "compile with XLA; auto does where it is faster")
    strategy: Strategy = _training("single", "devices to train on; mirrored is all local GPUs")

    # Tracking
    no_wandb: bool = _tracking(False, "do not log to Weights & Biases", compiled=False)
    run_name: str | None = _tracking(
        None,
        "name shown in W&B instead of a made-up one",
        min_length=1,
        max_length=128,
        compiled=False,
    )
