"""What every program here has in common: a parser and an end whose errors are one line."""

import argparse
import difflib
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from src.shared.errors import UserError
from src.shared.signals import reach_main_thread


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
            if flag.isdigit():
                hint = "a list is written with commas, 64,32"
            raise UserError(f"unknown argument {flag}; {hint}")
        return known


def run_command(main: Callable[[], int | None]) -> None:
    """Run a command's ``main`` and leave the process with its exit code.

    A :class:`UserError` becomes one line on stderr and exit code 2; Ctrl-C becomes exit code 130.
    """
    reach_main_thread()
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe, `head` say, has seen enough; what is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except BaseException as error:
        if not _interrupted(error):
            raise
        print("interrupted", file=sys.stderr)
        code = 130
    sys.exit(code or 0)


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind it: a library that is cut short may fail at tidying up after it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
