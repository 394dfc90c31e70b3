"""The one error of this package: what is wrong with a sweep, and where."""

Path = tuple[str, ...]


class SweepFault(ValueError):
    """A sweep that is not possible; the message names the fault and the cure, in one line.

    It reads the same wherever it is shown, be it after the line of a file.

    Args:
        path: The keys that lead to what is wrong.
        message: What is wrong, and the cure.
        key: The key in there that should not be, if it is one.
    """

    def __init__(self, path: Path, message: str, key: str | None = None) -> None:
        place = ".".join(name if name.isprintable() else repr(name) for name in path)
        super().__init__(f"{place or 'the sweep'}: {message}")
        self.path = path
        self.key = key
