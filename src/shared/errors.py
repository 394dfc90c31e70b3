"""The one exception that means "the user can mend this": it is shown as one line, exit code 2."""


class UserError(Exception):
    """A fault in what the user gave. The message names the fault and the cure, in one line."""
