"""The ``parameters`` of a sweep, nested or not."""

import re
from typing import Any

from src.sweep_language.distribution_names import DISTRIBUTIONS, implied
from src.sweep_language.distributions import Parameter
from src.sweep_language.errors import Path, SweepFault
from src.sweep_language.reading import check_mapping, hint

_ALL_KEYS = tuple(dict.fromkeys(key for one in DISTRIBUTIONS.values() for key in one.keys))


def parse_parameters(
    config: Any, *, grid: bool, path: Path = ("parameters",)
) -> dict[Path, Parameter]:
    """Read a mapping of parameters, each of which may be a mapping of further ones.

    Args:
        config: The mapping.
        grid: Whether every value will be tried, so that there must be an end of them.
        path: Of the mapping.

    Returns:
        The parameters by their names, from the outermost to their own.

    Raises:
        SweepFault: If one is malformed, or has no values that could be searched.
    """
    if not isinstance(config, dict) or not config:
        raise SweepFault(path, "missing or empty; name at least one parameter to search")
    parameters: dict[Path, Parameter] = {}
    for name, entry in config.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
            fault = f"{name!r} is not a name; use letters, digits, _ . and -"
            raise SweepFault(path, fault, key=str(name))
        inner = (*path, name)
        if not isinstance(entry, dict):
            raise SweepFault(inner, f"{entry!r} is not a mapping; write {{value: {entry!r}}}")
        if "parameters" in entry:
            check_mapping(entry, inner, ("parameters",))
            inside = (*inner, "parameters")
            nested = parse_parameters(entry["parameters"], grid=grid, path=inside)
            parameters |= {(name, *names): one for names, one in nested.items()}
        else:
            parameters[name,] = _parameter(entry, inner, grid=grid)
    return parameters


def _parameter(config: dict[str, Any], path: Path, *, grid: bool) -> Parameter:
    check_mapping(config, path, ("distribution", *_ALL_KEYS))
    name = config.get("distribution", implied(config))
    if name is None:
        fault = "says nothing to search; give value, values, min and max, or distribution"
        raise SweepFault(path, fault)
    if not isinstance(name, str) or name not in DISTRIBUTIONS:
        fault = f"{name!r} is unknown{hint(name, DISTRIBUTIONS)}"
        raise SweepFault((*path, "distribution"), fault)
    distribution = DISTRIBUTIONS[name]
    check_mapping(config, path, ("distribution", *distribution.keys))
    for key in distribution.needs:
        if key not in config:
            raise SweepFault((*path, key), f"missing; {name} needs it")
    if grid and (not distribution.grid or "probabilities" in config):
        kind = "probabilities" if "probabilities" in config else name
        raise SweepFault(
            path,
            f"{kind} cannot be searched by method: grid; "
            "use values, int_uniform or q_uniform, or method: random",
        )
    return distribution.build(config, path)
