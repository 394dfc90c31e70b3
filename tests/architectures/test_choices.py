"""A flag's choices are exactly what the architectures have parts for."""

from collections.abc import Collection

import pytest

from src.architectures import cnn
from src.architectures.cells import CELLS
from src.architectures.layers import INITIALIZERS
from src.config.fields import choices
from src.config.run_config import RunConfig


@pytest.mark.parametrize(
    ("name", "parts"),
    [("weight_init", INITIALIZERS), ("cell", CELLS), ("pooling", cnn._POOLING)],
)
def test_every_choice_has_its_part(name: str, parts: Collection[str]) -> None:
    assert choices(RunConfig.model_fields[name]) == tuple(parts)
