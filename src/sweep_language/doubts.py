"""What a sweep may say, but hardly means: it is told, and the sweep is made all the same.

W&B checks a sweep so, too, and calls what it finds warnings.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from src.shared.yaml_faults import WRITE_WITH_A_DOT
from src.sweep_language.errors import Path, SweepFault
from src.sweep_language.reading import hint, reads_as_number

_OF_EXPONENTS = ("log_uniform", "q_log_uniform", "inv_log_uniform")
_LARGEST_EXPONENT = 30  # e^30 is 1e13: more than any hyperparameter is
_CONTROLLERS = ("cloud", "local")
_TEXTS = ("apiVersion", "kind", "name", "description", "program", "project", "entity")


def doubts(config: Mapping[str, Any]) -> list[SweepFault]:
    """What is doubtful in a sweep configuration that has been found possible."""
    return [*_of_parameters(config.get("parameters", {}), ("parameters",)), *_of_the_rest(config)]


def _of_parameters(config: Mapping[str, Any], path: Path) -> Iterator[SweepFault]:
    for name, entry in config.items():
        inner = (*path, name)
        if "parameters" in entry:
            yield from _of_parameters(entry["parameters"], (*inner, "parameters"))
            continue
        if entry.get("distribution") in _OF_EXPONENTS:
            yield from _of_exponents(entry, inner)
        if "probabilities" in entry:
            yield from _of_probabilities(entry["probabilities"], inner)
        values = entry.get("values", [entry.get("value")])
        texts = [value for value in values if isinstance(value, str) and reads_as_number(value)]
        if any("e" in text.lower() for text in texts):
            key = "values" if "values" in entry else "value"
            yield SweepFault((*inner, key), f"{texts[0]!r} is a text; {WRITE_WITH_A_DOT}")


def _of_exponents(entry: Mapping[str, Any], path: Path) -> Iterator[SweepFault]:
    """Ends that are values, where exponents of e are wanted."""
    name, low, high = entry["distribution"], entry["min"], entry["max"]
    if (low >= 0 and high <= 1) or high > _LARGEST_EXPONENT:
        first, last = (-high, -low) if name.startswith("inv_") else (low, high)
        yield SweepFault(
            (*path, "min"),
            f"{name} takes exponents of e, so it is drawn from {math.exp(first):.6g} to "
            f"{math.exp(last):.6g}; for these very values write {name}_values",
        )


def _of_probabilities(weights: list[float], path: Path) -> Iterator[SweepFault]:
    total = math.fsum(weights)
    if not math.isclose(total, 1.0, rel_tol=1e-5):
        fault = f"sum to {total:g} and are taken as shares of it; let them sum to 1"
        yield SweepFault((*path, "probabilities"), fault)


def _of_the_rest(config: Mapping[str, Any]) -> Iterator[SweepFault]:
    """What the search does not read, and others may."""
    if (controller := config.get("controller")) is not None:
        path = ("controller", "type")
        kind = controller.get("type") if isinstance(controller, dict) else controller
        if kind not in _CONTROLLERS:
            yield SweepFault(
                path, f"{kind!r} is unknown, so cloud is taken{hint(kind, _CONTROLLERS)}"
            )
        elif kind == "local":
            yield SweepFault(path, "local is not asked: the server searches; leave it out")
    for key in _TEXTS:
        if not isinstance(config.get(key, ""), str):
            yield SweepFault((key,), f"{config[key]!r} is not a text; put it in quotes")
    if not isinstance(config.get("command", []), list):
        yield SweepFault(("command",), "is not a list, so agents take their own; write a list")
