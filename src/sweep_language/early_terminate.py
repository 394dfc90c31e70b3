"""The settings of early termination by Hyperband, and the brackets that they stand for."""

from dataclasses import dataclass
from itertools import accumulate, repeat
from operator import mul, truediv
from typing import Any

from src.sweep_language.errors import SweepFault
from src.sweep_language.reading import check_mapping, number, one_of, whole_number

_KEYS = ("type", "min_iter", "max_iter", "s", "eta", "strict")
_PATH = ("early_terminate",)
_MAX_BRACKETS = 100
_MAX_POINTS = 10**9


@dataclass(frozen=True)
class Hyperband:
    """Settings of ``early_terminate``.

    Either ``min_iter`` (brackets at min_iter * eta^k, k = 0, 1, ...) or ``max_iter`` and ``s``
    (brackets at max_iter / eta^k, k = 1 ... s), which win if all are given. ``strict`` compares a
    run's value at the bracket; otherwise its best value so far, which stops fewer runs.
    """

    min_iter: int | None = None
    max_iter: int | None = None
    s: int | None = None
    eta: float = 3.0
    strict: bool = False


def brackets(settings: Hyperband) -> tuple[int, ...]:
    """The numbers of logged points at which runs are compared, rising, at most 100.

    Raises:
        SweepFault: If neither ``min_iter`` nor both ``max_iter`` and ``s`` are set.
    """
    if settings.max_iter is not None and settings.s is not None:
        step, first, count = truediv, settings.max_iter / settings.eta, settings.s
    elif settings.min_iter is not None:
        step, first, count = mul, float(settings.min_iter), _MAX_BRACKETS
    else:
        raise SweepFault(_PATH, "says not when; give min_iter, or max_iter and s")
    etas = repeat(settings.eta, min(count, _MAX_BRACKETS) - 1)
    points = accumulate(etas, step, initial=first)
    return tuple(sorted({int(point) for point in points if 1 <= point <= _MAX_POINTS}))


def parse_early_terminate(config: Any) -> Hyperband | None:
    """Read ``early_terminate``, which may be absent.

    Raises:
        SweepFault: If a setting is wrong, or runs would never be compared.
    """
    if config is None:
        return None
    check_mapping(config, _PATH, _KEYS)
    one_of(config, "type", ("hyperband",), _PATH)
    eta = number(config, "eta", _PATH, default=3.0)
    if eta <= 1:
        raise SweepFault((*_PATH, "eta"), f"{eta} is not above 1; 3 is usual")
    strict = config.get("strict", False)
    if not isinstance(strict, bool):
        raise SweepFault((*_PATH, "strict"), f"{strict!r} is not true or false")
    min_iter, max_iter, s = (
        whole_number(config, key, _PATH, least=1) for key in ("min_iter", "max_iter", "s")
    )
    settings = Hyperband(min_iter, max_iter, s, float(eta), strict)
    if not brackets(settings):
        raise SweepFault((*_PATH, "max_iter"), "below eta leaves no bracket; raise max_iter")
    return settings
