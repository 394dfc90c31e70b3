"""A YAML file of ours, read so that every fault is told with its line."""

import difflib
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml

from src.config.fields import kind, parse_value, takes_list
from src.config.run_config import RunConfig
from src.shared.errors import UserError
from src.shared.yaml_faults import WRITE_WITH_A_DOT, YAML_ERRORS, yaml_fault


class YamlWithLines:
    """The node tree of a YAML file, which knows the line of everything.

    Args:
        path: The file.
        what: What it is, for people, such as ``sweep file``.
        content: What it is a mapping of, for people.

    Raises:
        UserError: If it cannot be read, or is not YAML or not a mapping.
    """

    def __init__(self, path: Path, what: str, content: str) -> None:
        self._path = path
        root = _compose(path, what)
        if not isinstance(root, yaml.MappingNode):
            raise UserError(f"{path}:1: a {what} is a mapping with {content}")
        self._root = root

    def _check_value(self, name: str, node: yaml.Node, value: Any = None) -> None:
        value = self._value(node) if value is None else value
        parts = value if isinstance(value, list) else [value]
        field = RunConfig.model_fields[name]
        if kind(field) in (int, float) and any(isinstance(part, str | bool) for part in parts):
            hint = f"; {WRITE_WITH_A_DOT}" if is_number(value) else ""
            lists = " or a list such as [64, 32]" if takes_list(field) else ""
            self._fail(node, f"{name}: {value!r} is not a number{lists}{hint}")
        if isinstance(value, bool) and kind(field) is str:
            self._fail(node, f"{name}: YAML reads on and off as True and False; quote them")
        try:
            parse_value(name, field, value)
        except UserError as error:
            self._fail(node, str(error).removeprefix("--"))

    def _mapping(self, node: yaml.Node, what: str, known: Sequence[str]) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._fail(node, f"{what} must be a mapping")
        entries: dict[str, yaml.Node] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in entries:
                self._fail(key_node, f"{key} is given twice in {what}")
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known)}"
                self._fail(key_node, f"unknown key {key} in {what}; {hint}")
            entries[key] = value_node
        return entries

    def _value(self, node: yaml.Node) -> Any:
        try:
            return yaml.SafeLoader("").construct_document(node)
        except YAML_ERRORS as error:
            return self._fail(node, yaml_fault(error).message)

    def _fail(self, node: yaml.Node, message: str) -> NoReturn:
        raise UserError(self._told(node, message))

    def _told(self, node: yaml.Node, message: str) -> str:
        return f"{self._path}:{node.start_mark.line + 1}: {message}"


def _compose(path: Path, what: str) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
    except OSError as error:
        raise UserError(f"cannot read the {what} {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a text file; name a {what} in YAML") from None
    except YAML_ERRORS as error:
        line, fault = yaml_fault(error)
        raise UserError(f"{path}:{line}: {fault}") from None
    return node


def is_number(value: Hashable) -> bool:
    """Whether a text reads as a number, as YAML itself may not."""
    try:
        float(str(value))
    except ValueError:
        return False
    return True
