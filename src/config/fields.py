"""A hyperparameter's field: how it is declared, and what a parser and people must know of it.

All that is said of a hyperparameter stands at its field: its type and range, its section and text
in ``--help``, whether a compiled epoch depends on it. Who reads it, the readers' tables say.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import Field, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from src.config.sizes import SIZE_LIMITS
from src.shared.errors import UserError
from src.shared.registry import Registry


class Section(StrEnum):
    """The headings of ``--help``, in order."""

    MODEL = "model"
    OPTIMIZER = "optimizer"
    DATA = "data"
    TRAINING = "training"
    TRACKING = "tracking"


@dataclass(frozen=True)
class OneOf:
    """Marks a text that must be a name in a table, which may grow."""

    table: Registry[Any]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Refuse what is not in the table when it is asked, not when this was declared."""
        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def _known(self, name: str) -> str:
        if name not in self.table:
            raise ValueError(f"no such {self.table.what}")
        return name


def hyperparameter(
    default: Any,
    description: str,
    *,
    section: Section,
    compiled: bool = True,
    conditional: bool = False,
    **limits: Any,
) -> Any:
    """Declare a field of RunConfig.

    Args:
        default: Its value unless told.
        description: What it is, for ``--help``.
        section: Where ``--help`` has it.
        compiled: Whether a compiled epoch may depend on its value. True is always safe; False lets
            runs that differ in it share a program.
        conditional: Whether only the optimizers and schedules that name it read it.
        limits: As pydantic's ``Field`` takes them: ``ge``, ``gt``, ``le``, ``lt``, ``min_length``.
    """
    facts: dict[str, Any] = {"section": section, "compiled": compiled, "conditional": conditional}
    return Field(default, description=description, json_schema_extra=facts, **limits)


def declare(section: Section) -> Callable[..., Any]:
    """:func:`hyperparameter` for the fields of one section."""

    def in_section(default: Any, description: str, **facts: Any) -> Any:
        return hyperparameter(default, description, section=section, **facts)

    return in_section


def fact(field: FieldInfo, name: str) -> Any:
    """What the declaration of a field says: ``section``, ``compiled`` or ``conditional``."""
    assert isinstance(field.json_schema_extra, dict), "declared without hyperparameter()"
    return field.json_schema_extra[name]


def choices(field: FieldInfo) -> tuple[str, ...]:
    """The values that a field may take if they can be listed, else an empty tuple."""
    if get_origin(field.annotation) is Literal:
        return get_args(field.annotation)
    return next((tuple(mark.table) for mark in field.metadata if isinstance(mark, OneOf)), ())


def kind(field: FieldInfo) -> type:
    """The plain Python type of a field: bool, int, float or str; int, too, if it may be a list."""
    plain: dict[Any, type] = {bool: bool, int: int, float: float}
    return plain.get(field.annotation, int if takes_list(field) else str)


def takes_list(field: FieldInfo) -> bool:
    """Whether a field takes a list of whole numbers, besides a single one."""
    annotation = field.annotation
    return any(
        get_origin(part) is tuple for part in (annotation, *map(_bare, get_args(annotation)))
    )


def allowed(field: FieldInfo) -> str:
    """In words, what a field takes: ``one of adam, sgd`` or ``a number > 0``."""
    if options := choices(field):
        return "one of " + ", ".join(options)
    if takes_list(field):
        return f"a whole number {_limits(SIZE_LIMITS)}, or a list of up to 100 such as 64,32"
    nouns = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}
    noun, limits = nouns[kind(field)], _limits(field)
    return f"{noun} {limits}" if limits else noun


def parse_value(name: str, field: FieldInfo, value: Any) -> Any:
    """The value of one field, whatever the others are.

    Raises:
        UserError: Naming the flag, its value and what is allowed.
    """
    annotated: Any = Annotated[field.annotation, field]
    try:
        return TypeAdapter(annotated).validate_python(value)
    except ValidationError:
        raise not_allowed(name, field, value) from None


def not_allowed(name: str, field: FieldInfo, value: Any) -> UserError:
    """The error for a value that a field does not take."""
    return UserError(f"--{name}: {value!r} is not allowed; it takes {allowed(field)}")


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _limits(field: FieldInfo) -> str:
    symbols = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    ends = {"min_length": "of at least", "max_length": "of at most"}
    parts = []
    for constraint in field.metadata:
        for attribute, symbol in symbols.items():
            if (limit := getattr(constraint, attribute, None)) is not None:
                parts.append(
                    f"{symbol} {limit:g}" if isinstance(limit, float) else f"{symbol} {limit}"
                )
        for attribute, end in ends.items():
            if (limit := getattr(constraint, attribute, None)) is not None:
                parts.append(f"{end} {limit} character{'' if limit == 1 else 's'}")
    return " and ".join(parts)
