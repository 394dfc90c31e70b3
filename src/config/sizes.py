"""Sizes of layers, one or several: their types, how a command line writes a list, what fits."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

SIZE_LIMITS = Field(ge=1, le=65536)
Size = Annotated[int, SIZE_LIMITS]


def split_list(value: Any) -> Any:
    """A list as a command line has it, ``64,32`` or ``[64, 32]``, as a list."""
    if isinstance(value, str) and ("," in value or value.startswith("[")):
        return [part.strip() for part in value.strip("[] ").split(",")]
    return value


def _wrap_list(value: Any) -> Any:
    """The same, and a single value is a list of one."""
    value = split_list(value)
    return value if isinstance(value, list | tuple) else [value]


_Several = Annotated[tuple[Size, ...], Field(min_length=1, max_length=100)]
SizeList = Annotated[_Several, BeforeValidator(_wrap_list)]
SizeOrSizes = Annotated[Size | _Several, BeforeValidator(split_list)]


def blocks_that_fit(stride: int, height: int, width: int) -> int:
    """How many blocks of a cnn fit pictures of this size.

    A block divides the sides by the stride, rounding up, and then by 2.
    """
    side, blocks = min(height, width), 0
    while (side := -(-side // stride)) >= 2:
        side, blocks = side // 2, blocks + 1
    return blocks
