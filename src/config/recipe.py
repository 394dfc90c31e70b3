"""A recipe: a YAML file of hyperparameters, refused with its line if it has one that cannot be."""

from pathlib import Path
from typing import Any

from src.config.rules import RuleFault
from src.config.run_config import RunConfig
from src.config.yaml_with_lines import YamlWithLines
from src.shared.errors import UserError
from src.shared.paths import RECIPES, ROOT


class Recipe(YamlWithLines):
    """A mapping of :class:`RunConfig`'s fields, each of them checked.

    Args:
        path: The file.

    Raises:
        UserError: ``FILE:LINE: fault; cure`` for the first thing that cannot be; if there is no
            such file, it says which there are.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise UserError(f"there is no recipe {path}; {_available()}")
        super().__init__(path, "recipe", "hyperparameters, such as model: mlp")
        self._nodes = self._mapping(self._root, "a recipe", tuple(RunConfig.model_fields))
        for name, node in self._nodes.items():
            self._check_value(name, node)

    def config(self, flags: dict[str, Any]) -> RunConfig:
        """The run that it describes.

        Args:
            flags: Values that override those of the file.

        Raises:
            UserError: For the first value that makes no sense beside the others, with its line if
                it is from the file.
        """
        values = {name: self._value(node) for name, node in self._nodes.items()}
        try:
            return RunConfig.parse(values | flags)
        except RuleFault as fault:
            given = next((name for name in fault.fields if name in values | flags), None)
            if given is None or given in flags:
                raise
            self._fail(self._nodes[given], str(fault).removeprefix("--"))


def _available() -> str:
    """The recipes that there are, as --config takes them."""
    files = [str(file.relative_to(ROOT)) for file in sorted(RECIPES.glob("*.yaml"))]
    return f"there are {', '.join(files)}" if files else f"{RECIPES} has none"
