"""The command line of a training run: one flag for each field of RunConfig."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from src.config.fields import Section, allowed, choices, fact, kind, takes_list
from src.config.readers import default_in_words, readers_in_words
from src.config.recipe import Recipe
from src.config.run_config import RunConfig
from src.shared.command import Parser
from src.shared.errors import UserError


@dataclass(frozen=True)
class Command:
    """What a command line asks for.

    Attributes:
        config: The run to train; of a run to go on with, only ``no_wandb`` is meant.
        resume: Id of the run to go on with, or None for a new run.
    """

    config: RunConfig
    resume: str | None = None


def parse_command(arguments: Sequence[str] | None = None, prog: str | None = None) -> Command:
    """Read ``--flag value``, ``--flag=value``, ``--switch[=True|False]``, and a recipe if named.

    Raises:
        UserError: Naming the flag, its value and what it takes, or the recipe's line.
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
    groups = {section: parser.add_argument_group(section) for section in Section}
    for name, field in RunConfig.model_fields.items():
        _add_flag(groups[fact(field, "section")], name, field)
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


def _add_flag(group: argparse._ArgumentGroup, name: str, field: FieldInfo) -> None:
    limits = "" if kind(field) is bool or choices(field) else f" ({allowed(field)})"
    default, readers = default_in_words(name), readers_in_words(name)
    default = f" [{default}]" if default else ""
    readers = f"{readers}: " if readers else ""
    description = f"{readers}{field.description}{limits}{default}".replace("%", "%%")
    options: dict[str, Any] = {"help": description, "default": None}
    if kind(field) is bool:
        options |= {"nargs": "?", "const": True, "metavar": "True|False"}
    else:
        number = kind(field).__name__.upper()
        several = f"{number}[,{number}...]"
        options["metavar"] = "|".join(choices(field)) or (several if takes_list(field) else number)
    group.add_argument(f"--{name}", **options)
