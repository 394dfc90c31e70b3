"""RunConfig: the complete, immutable description of one training run.

The command-line flags, the parameters of a sweep, the config that W&B shows and the JSON beside a
checkpoint are all this one object.
"""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import (
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic.fields import FieldInfo

from src.architectures.registry import ARCHITECTURES
from src.config.fields import fact, not_allowed
from src.config.hyperparameters import Hyperparameters
from src.config.registry import why_unread
from src.config.rules import Rule, all_rules, has_hidden_layer
from src.config.sizes import split_list
from src.optimizers.registry import OPTIMIZERS
from src.shared.errors import UserError


class RunConfig(Hyperparameters):
    """One run: its hyperparameters, checked together.

    Raises:
        pydantic.ValidationError: For an unknown key or a value outside its range.
            :meth:`parse` raises :class:`UserError` instead.
        RuleFault: For values that make no sense together.
    """

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        return with_own_defaults(values) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        values = {name: getattr(self, name) for name in type(self).model_fields}
        for rule in rules():
            if fault := rule.fault(values, self.model_fields_set):
                raise fault
        return self

    @model_serializer(mode="wrap")
    def _only_what_is_read(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What another model or kind of data would read is left out."""
        return {name: value for name, value in dump(self).items() if self.reads(name)}

    def reads(self, name: str) -> bool:
        """Whether this hyperparameter makes sense for this run's model and data set."""
        if name == "hidden_size" and not has_hidden_layer(self.model, self.head):
            return False
        return why_unread(name, self.model, self.dataset) is None

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Units of each hidden layer: of a model with ``num_layers`` of them, or of a head."""
        if isinstance(self.hidden_size, tuple):
            return self.hidden_size
        return (self.hidden_size,) * (self.num_layers if self.reads("num_layers") else 1)

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Self:
        """Build a config from plain values.

        Raises:
            UserError: Naming the first bad flag, its value and what is allowed, or the first one
                that makes no sense beside the others.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][0])
            if name not in cls.model_fields:
                raise UserError(f"unknown hyperparameter {name!r}") from None
            # Layers are not given by their number if they are counted from a list of sizes.
            value = values.get(name, first["input"])
            raise not_allowed(name, cls.model_fields[name], value) from None

    def optimizer_hyperparameters(self) -> dict[str, float]:
        """The hyperparameters that this run's optimizer reads, besides the learning rate."""
        return {name: getattr(self, name) for name in OPTIMIZERS[self.optimizer].reads}

    def compiled(self) -> Self:
        """This run with all that a compiled epoch does not depend on at its default.

        Runs for which this is equal can share a program.
        """
        fields = type(self).model_fields
        return self.model_copy(
            update={n: f.default for n, f in fields.items() if not fact(f, "compiled")}
        )


# What :func:`with_own_defaults` goes by.
DECIDES_DEFAULTS = ("model", "hidden_size")


def with_own_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with the defaults of the model that they name; a list of sizes counts the layers."""
    entry = ARCHITECTURES.get(values.get("model", RunConfig.model_fields["model"].default))
    if entry is None:
        return dict(values)  # which is refused as such
    own = dict(entry.defaults)
    sizes = split_list(values.get("hidden_size"))
    if "num_layers" in entry.reads and isinstance(sizes, list | tuple):
        own["num_layers"] = len(sizes)
    return own | dict(values)


def rules() -> list[Rule]:
    """The rules between hyperparameters."""
    return list(all_rules(name for name in RunConfig.model_fields if name not in _ALWAYS_READ))


# Whether these go together with a model or a data set, other rules say.
_ALWAYS_READ = ("model", "dataset")


def add_hyperparameter(name: str, annotation: Any, field: Any) -> None:
    """Give RunConfig a field from outside: a flag, a parameter of sweeps, a part of checkpoints.

    Args:
        name: Its name; :meth:`RunConfig.parse` and all else take it from then on.
        annotation: Its type.
        field: What :func:`~src.config.fields.hyperparameter` gives.

    Raises:
        ValueError: If there is one of that name.
    """
    if name in RunConfig.model_fields:
        raise ValueError(f"there is a hyperparameter {name!r} already; choose another name")
    RunConfig.__pydantic_fields__[name] = FieldInfo.from_annotated_attribute(annotation, field)
    RunConfig.model_rebuild(force=True)


def remove_hyperparameter(name: str) -> None:
    """Take back what :func:`add_hyperparameter` added."""
    del RunConfig.__pydantic_fields__[name]
    RunConfig.model_rebuild(force=True)
