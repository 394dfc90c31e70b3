"""The one exception that means "the user can mend this": it is shown as one line, exit code 2."""

import os
import sys
from collections.abc import Callable


class UserError(Exception):
    """A fault in what the user gave. The message names the fault and the cure, in one line."""


def run_command(main: Callable[[], int | None]) -> None:
    """Run a command's ``main`` and leave the process with its exit code.

    A :class:`UserError` becomes one line on stderr and exit code 2; Ctrl-C becomes exit code 130.
    """
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
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    sys.exit(code or 0)
