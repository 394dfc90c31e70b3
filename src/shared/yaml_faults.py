"""What is wrong with a text that is to be YAML, in one line."""

from typing import NamedTuple

import yaml

# YAML 1.1, which PyYAML and so W&B's client read, has no number without a dot before its exponent.
WRITE_WITH_A_DOT = "YAML reads 1e-3 as text, write 0.001 or 1.0e-3"


class YamlFault(NamedTuple):
    """What a YAML reader has refused; lines count from 1."""

    line: int
    message: str


def yaml_fault(error: yaml.YAMLError | RecursionError | ValueError) -> YamlFault:
    """The fault that an error of PyYAML tells of."""
    if isinstance(error, yaml.MarkedYAMLError):
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return YamlFault(line, f"not YAML: {error.problem}")
    return YamlFault(1, f"not YAML that can be read: {str(error).splitlines()[0]}")
