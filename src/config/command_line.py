"""The command line of a training run: one flag for each field of RunConfig."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.config.recipe import Recipe
from src.config.run_config import RunConfig, allowed, choices, kind, takes_list
from src.shared.command import Parser
from src.shared.errors import UserError

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


@dataclass(frozen=True)
class Command:
    """What a command line asks for.

    Attributes:
        config: the run to train; of a run to go on with, only ``no_wandb`` is meant.
        resume: id of the run to go on with, or None for a new run.
    """

    config: RunConfig
    resume: str | None = None


def parse_command(arguments: Sequence[str] | None = None, prog: str | None = None) -> Command:
    """Read ``--flag value``, ``--flag=value``, ``--switch[=True|False]``, and a recipe if named.

    Raises:
        UserError: naming the flag, its value and what it takes, or the recipe's line.
    """
    parser = Parser(
        prog=prog,
        description="Train one model and log it to Weights & Biases.",
        epilog="Without a W&B API key the run is logged offline, into wandb/.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run = parser.add_argument_group("run")
    run.add_argument(
        "--config", metavar="FILE", help="YAML of hyperparameters, such as config/recipes/*.yaml"
    )
    run.add_argument(
        "--resume", metavar="RUN_ID", help="go on with a run that was interrupted or killed"
    )
    for title, names in SECTIONS.items():
        group = parser.add_argument_group(title)
        for name in names:
            _add_flag(group, name)
    given = vars(parser.parse_args(arguments))
    flags = {name: value for name, value in given.items() if value is not None}
    recipe, resume = flags.pop("config", None), flags.pop("resume", None)
    if resume is not None:
        surplus = ["config"] if recipe else [name for name in flags if name != "no_wandb"]
        if surplus:
            raise UserError(
                f"--{surplus[0]}: a resumed run keeps what it was begun with; leave it out"
            )
    if recipe is not None:
        return Command(Recipe(Path(recipe)).config(flags))
    return Command(RunConfig.parse(flags), resume)


def _add_flag(group: argparse._ArgumentGroup, name: str) -> None:
    field = RunConfig.model_fields[name]
    limits = "" if kind(name) is bool or choices(name) else f" ({allowed(name)})"
    default = "" if field.default is None else f" [{_shown(field.default)}]"
    description = f"{field.description}{limits}{default}".replace("%", "%%")
    options: dict[str, Any] = {"help": description, "default": None}
    if kind(name) is bool:
        options |= {"nargs": "?", "const": True, "metavar": "True|False"}
    else:
        number = kind(name).__name__.upper()
        several = f"{number}[,{number}...]"
        options["metavar"] = "|".join(choices(name)) or (several if takes_list(name) else number)
    group.add_argument(f"--{name}", **options)


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
