"""Reading the values of a sweep's configuration; what is wrong is named with its key and a cure.

All raise :class:`SweepFault`; ``path`` is that of the mapping.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard, TypeVar

from src.shared.yaml_faults import WRITE_WITH_A_DOT
from src.sweep_language.errors import Path, SweepFault

Word = TypeVar("Word")

_LARGEST = 1e300  # beyond it, arithmetic overflows


def check_mapping(config: Any, path: Path, keys: Iterable[str]) -> None:
    """Refuse what is no mapping, and keys that nobody reads."""
    if not isinstance(config, dict):
        raise SweepFault(path, f"{config!r} is not a mapping; write keys and values")
    allowed = tuple(keys)
    for key in config:
        if key not in allowed:
            raise SweepFault(path, f"unknown key {key!r}{hint(key, allowed)}", key=str(key))


def hint(word: Any, allowed: Iterable[str]) -> str:
    """The cure for a word that is not allowed: the nearest that is, or all."""
    close = difflib.get_close_matches(str(word), list(allowed), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; allowed are {', '.join(allowed)}"


def one_of(config: Mapping[str, Any], key: str, allowed: Sequence[Word], path: Path) -> Word:
    """The value of a key, one of ``allowed``."""
    value = config.get(key)
    if value not in allowed:
        fault = f"{value!r} is not possible" if key in config else "missing"
        raise SweepFault((*path, key), f"{fault}; give {' or '.join(map(str, allowed))}")
    return allowed[allowed.index(value)]


def whole_number(config: Mapping[str, Any], key: str, path: Path, least: int) -> int | None:
    """The value of a key, an integer of at least ``least``; None if it is not given."""
    value = config.get(key)
    if value is not None and (type(value) is not int or not least <= value <= _LARGEST):
        raise SweepFault((*path, key), f"{value!r} is not a whole number >= {least}")
    return value


def number(config: Mapping[str, Any], key: str, path: Path, default: float | None = None) -> float:
    """The value of a key, a finite number."""
    value = config.get(key, default)
    if value is None:
        raise SweepFault((*path, key), "missing; give a number")
    if not is_number(value):
        cure = f"; {WRITE_WITH_A_DOT}" if reads_as_number(value) else ""
        raise SweepFault((*path, key), f"{value!r} is not a finite number{cure}")
    return value


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a number that can be reckoned with."""
    return type(value) in (int, float) and abs(value) <= _LARGEST


def reads_as_number(value: Any) -> bool:
    """Whether a value is a text that is meant to be a number."""
    try:
        float(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True
