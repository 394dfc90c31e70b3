"""Says in one line why a text cannot be read as YAML."""

from typing import NamedTuple

import yaml

# YAML 1.1, which PyYAML and so W&B's client read, has no number without a dot before its exponent.
WRITE_WITH_A_DOT = "YAML reads 1e-3 as text, write 0.001 or 1.0e-3"


class YamlFault(NamedTuple):
    """What a YAML reader has refused; lines count from 1."""

    line: int
    message: str


# PyYAML raises the last two for a date or a number that does not exist, or is none.
YAML_ERRORS = (yaml.YAMLError, RecursionError, ValueError, AttributeError)


def yaml_fault(error: Exception) -> YamlFault:
    """The fault that one of the ``YAML_ERRORS`` tells of."""
    if isinstance(error, yaml.MarkedYAMLError):
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return YamlFault(line, f"not YAML: {error.problem}")
    if isinstance(error, yaml.YAMLError):
        return YamlFault(1, f"not YAML that can be read: {str(error).splitlines()[0]}")
    if isinstance(error, RecursionError):
        return YamlFault(1, "not YAML that can be read: it is nested too deeply")
    reason = f" ({error})" if isinstance(error, ValueError) else ""
    return YamlFault(1, f"not a value that can be read{reason}; put it in quotes")
