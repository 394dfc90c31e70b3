"""The command line of a training run: one flag for each field of RunConfig."""

import argparse
from collections.abc import Sequence
from typing import Any

from src.config import RunConfig, allowed, choices, kind
from src.parser import Parser

# The flags in the order of --help, under the headings of RunConfig's sections.
SECTIONS = {
    "model": (
        *("model", "num_layers", "hidden_size", "activation", "weight_init", "dropout"),
        *("batch_norm", "filters", "convolutions", "kernel_size", "stride", "pooling", "head"),
        *("width", "cell", "bidirectional", "time_pooling", "embedding_size"),
    ),
    "optimizer": (
        *("optimizer", "learning_rate", "weight_decay", "momentum"),
        *("beta_1", "beta_2", "epsilon", "rho"),
        *("lr_schedule", "warmup_epochs", "lr_step_epochs", "lr_step_factor", "clip_norm"),
    ),
    "data": (
        *("dataset", "val_fraction", "vocabulary_size", "sequence_length"),
        *("shift", "flip", "cutout"),
    ),
    "training": (
        *("loss", "label_smoothing", "batch_size", "epochs", "patience", "seed"),
        *("precision", "jit", "strategy"),
    ),
    "tracking": ("no_wandb", "run_name"),
}


def parse_run_config(arguments: Sequence[str] | None = None, prog: str | None = None) -> RunConfig:
    """Read a :class:`RunConfig` from ``--flag value``, ``--flag=value``, ``--switch[=True|False]``.

    Raises:
        UserError: naming the flag, its value and what it takes.
    """
    parser = Parser(
        prog=prog,
        description="Train one model and log it to Weights & Biases.",
        epilog="Without a W&B API key the run is logged offline, into wandb/.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for title, names in SECTIONS.items():
        group = parser.add_argument_group(title)
        for name in names:
            _add_flag(group, name)
    given = vars(parser.parse_args(arguments))
    return RunConfig.parse({name: value for name, value in given.items() if value is not None})


def _add_flag(group: argparse._ArgumentGroup, name: str) -> None:
    field = RunConfig.model_fields[name]
    limits = "" if kind(name) is bool or choices(name) else f" ({allowed(name)})"
    default = "" if field.default is None else f" [{_shown(field.default)}]"
    description = f"{field.description}{limits}{default}".replace("%", "%%")
    options: dict[str, Any] = {"help": description, "default": None}
    if kind(name) is bool:
        options |= {"nargs": "?", "const": True, "metavar": "True|False"}
    else:
        options["metavar"] = "|".join(choices(name)) or kind(name).__name__.upper()
    group.add_argument(f"--{name}", **options)


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
