"""Open tables: what a run can name, each entry with where its code is.

A table is read without importing the code that it names, so that ``--help`` needs no TensorFlow.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Protocol, TypeVar

from src.shared.errors import UserError


class Named(Protocol):
    """An entry of a table."""

    @property
    def name(self) -> str:
        """What a flag or a sweep file calls it."""


Entry = TypeVar("Entry", bound=Named)


class Registry(Mapping[str, Entry]):
    """A table of entries by name, in the order in which they were registered.

    Args:
        what: What the entries are, for people: ``optimizer``, say.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._entries: dict[str, Entry] = {}

    def register(self, entry: Entry) -> Entry:
        """Add an entry.

        Returns:
            The entry.

        Raises:
            ValueError: If the name is taken.
        """
        if entry.name in self._entries:
            raise ValueError(f"there is a {self.what} {entry.name!r} already; choose another name")
        self._entries[entry.name] = entry
        return entry

    @contextmanager
    def with_entry(self, entry: Entry) -> Iterator[Entry]:
        """Have an entry for as long as the context lasts, in place of one of the same name."""
        before = dict(self._entries)
        self._entries[entry.name] = entry
        try:
            yield entry
        finally:
            self._entries = before

    def find(self, name: str) -> Entry:
        """The entry called ``name``.

        Raises:
            UserError: If there is none; it says which there are.
        """
        if name not in self._entries:
            known = ", ".join(self._entries)
            raise UserError(f"unknown {self.what} {name!r}; choose one of {known}")
        return self._entries[name]

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def load_target(target: Any) -> Any:
    """What an entry points at: ``module:attribute``, as entry points are written, or an object."""
    if not isinstance(target, str):
        return target
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)
