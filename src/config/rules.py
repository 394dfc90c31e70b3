"""The rules between hyperparameters, each stated once.

A rule is a function whose parameters are the hyperparameters that it joins, the one at fault first.
It gives the reason why a run cannot have these values, or None. A run asks all of them; the check
of a sweep file asks them for every combination of listed values and of the ends of ranges.
"""

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from src.architectures.registry import ARCHITECTURES
from src.config.registry import why_model_cannot, why_unread
from src.config.sizes import blocks_that_fit
from src.datasets.catalogue import CATALOGUE
from src.shared.errors import UserError

Sizes = int | tuple[int, ...]


class RuleFault(UserError):
    """Hyperparameters that do not go together; the message begins with the flag at fault.

    Attributes:
        fields: Those that the rule joins, the one at fault first.
    """

    def __init__(self, fields: tuple[str, ...], why: str) -> None:
        super().__init__(f"--{fields[0]}: {why}")
        self.fields = fields


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        fields: The hyperparameters that it joins, the one at fault first.
        reason: From their values to why they do not go together, or None.
        if_given: Whether it is only for runs that were told the first one, not for its default.
    """

    fields: tuple[str, ...]
    reason: Callable[..., str | None]
    if_given: bool = False

    def fault(self, values: Mapping[str, Any], given: Collection[str]) -> RuleFault | None:
        """What is wrong, or None.

        Args:
            values: Of all fields that it joins, and maybe others.
            given: The names of the hyperparameters that are not left at their defaults.
        """
        if self.if_given and self.fields[0] not in given:
            return None
        why = self.reason(*(values[name] for name in self.fields))
        return RuleFault(self.fields, why) if why else None


_RULES: list[Rule] = []


def rule(
    if_given: bool = False,
) -> Callable[[Callable[..., str | None]], Callable[..., str | None]]:
    """Make a function a rule; the names of its parameters say which fields it joins."""

    def register(reason: Callable[..., str | None]) -> Callable[..., str | None]:
        _RULES.append(Rule(tuple(inspect.signature(reason).parameters), reason, if_given))
        return reason

    return register


def all_rules(names: Iterable[str]) -> Iterator[Rule]:
    """Every rule between these hyperparameters, those that follow from the tables first."""
    yield Rule(("model", "dataset"), why_model_cannot)
    for name in sorted(names):
        yield _only_where_read(name)
    yield from _RULES


def _only_where_read(name: str) -> Rule:
    def reason(value: Any, model: str, dataset: str) -> str | None:
        return why_unread(name, model, dataset)

    return Rule((name, "model", "dataset"), reason, if_given=True)


@rule(if_given=True)
def _a_global_head_has_no_layers(hidden_size: Sizes, head: str, model: str) -> str | None:
    if has_hidden_layer(model, head):
        return None
    return "it is for head dense; a global head has none"


@rule()
def _the_stride_leaves_a_picture(stride: int, model: str, dataset: str) -> str | None:
    if model != "cnn":
        return None
    height, width, _ = CATALOGUE[dataset].spec.shape
    return why_stride_is_too_large(stride, height, width)


@rule()
def _the_blocks_fit_the_picture(
    filters: tuple[int, ...], stride: int, model: str, dataset: str
) -> str | None:
    if model != "cnn":
        return None
    height, width, _ = CATALOGUE[dataset].spec.shape
    return why_blocks_are_too_many(len(filters), stride, height, width)


@rule()
def _an_rnn_has_a_layer(num_layers: int, model: str) -> str | None:
    return "an rnn has at least 1" if model == "rnn" and num_layers == 0 else None


@rule()
def _the_warm_up_ends(warmup_epochs: float, epochs: int) -> str | None:
    if warmup_epochs and warmup_epochs >= epochs:
        return f"{warmup_epochs:g} leaves none of {epochs} epochs; it must be below epochs"
    return None


@rule()
def _xla_is_for_one_device(jit: str, strategy: str) -> str | None:
    if jit == "on" and strategy == "mirrored":
        return "on is for strategy single; XLA cannot compile a mirrored step"
    return None


@rule()
def _a_size_for_each_layer(num_layers: int, hidden_size: Sizes, model: str) -> str | None:
    if "num_layers" not in ARCHITECTURES[model].reads or not isinstance(hidden_size, tuple):
        return None
    if len(hidden_size) == num_layers:
        return None
    return (
        f"{num_layers}, but hidden_size lists {len(hidden_size)}; "
        "leave num_layers out or give one size"
    )


def has_hidden_layer(model: str, head: str) -> bool:
    """Whether a model has hidden layers, if it has any with another head."""
    return head != "global" or "head" not in ARCHITECTURES[model].reads


def why_stride_is_too_large(stride: int, height: int, width: int) -> str | None:
    """Why not even one block of a cnn fits pictures of this size, or None if one does."""
    if blocks_that_fit(stride, height, width):
        return None
    return f"{stride} leaves nothing of {height}x{width} pictures to halve; use a smaller one"


def why_blocks_are_too_many(blocks: int, stride: int, height: int, width: int) -> str | None:
    """Why so many blocks of a cnn do not fit pictures of this size, or None if they do."""
    if blocks <= (most := blocks_that_fit(stride, height, width)) or not most:
        return None
    return (
        f"{height}x{width} pictures are too small for {blocks} blocks of stride {stride}; "
        f"use at most {most} of them"
    )
