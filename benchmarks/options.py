"""The options that the measurements have in common."""

import argparse
from collections.abc import Iterable

from benchmarks.problems import FAMILIES
from src.shared.command import Parser


def make_parser(description: str | None, *, count: str, counted: str, families: str) -> Parser:
    """A parser with the options of every measurement; others may be added to it.

    Args:
        description: the program's docstring.
        count: the name of the option that says how often to measure.
        counted: what it counts.
        families: what of the model families is measured.
    """
    parser = Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        f"--{count}", type=_at_least_one, default=3, help=f"{counted} (default 3)", metavar="N"
    )
    add_choices(parser, "families", FAMILIES, families)
    parser.add_argument(
        "--write_docs", action="store_true", help="measure nothing: the saved results' tables"
    )
    return parser


def add_choices(parser: Parser, name: str, values: Iterable[str], of: str) -> None:
    """Add an option for some of several values; all are the default."""
    choices = list(values)
    parser.add_argument(
        f"--{name}",
        nargs="+",
        choices=choices,
        default=choices,
        metavar=name.upper(),
        help=f"{of}: {', '.join(choices)} (default all)",
    )


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not allowed; it takes a whole number >= 1")
    return int(text)
