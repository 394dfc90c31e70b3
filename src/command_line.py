"""Command-line parsing: RunConfig's flags, and a parser whose errors are one line."""

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, NoReturn

from src.config import RunConfig, allowed, choices, kind
from src.errors import UserError

# The flags in the order of --help, under the headings of RunConfig's sections.
SECTIONS = {
    "model": ("num_layers", "hidden_size", "activation", "weight_init", "dropout"),
    "optimizer": (
        *("optimizer", "learning_rate", "weight_decay", "momentum"),
        *("beta_1", "beta_2", "epsilon", "rho"),
    ),
    "training": (*("dataset", "loss", "batch_size", "epochs", "patience", "val_fraction", "seed"),),
    "tracking": ("no_wandb", "run_name"),
}


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` that never abbreviates and raises :class:`UserError` on bad input."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Report bad input in one line, without argparse's usage block."""
        raise UserError(f"{message}; see {self.prog} --help")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, naming the nearest flag when one is unknown."""
        known, unknown = self.parse_known_args(args, namespace)
        if unknown:
            flag = unknown[0].split("=")[0]
            near = difflib.get_close_matches(flag, self._option_string_actions, n=1)
            hint = f"did you mean {near[0]}?" if near else f"see {self.prog} --help"
            raise UserError(f"unknown argument {flag}; {hint}")
        return known


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
    default = "" if field.default is None else f" [{field.default}]"
    description = f"{field.description}{limits}{default}".replace("%", "%%")
    options: dict[str, Any] = {"help": description, "default": None}
    if kind(name) is bool:
        options |= {"nargs": "?", "const": True, "metavar": "True|False"}
    else:
        options["metavar"] = "|".join(choices(name)) or kind(name).__name__.upper()
    group.add_argument(f"--{name}", **options)
