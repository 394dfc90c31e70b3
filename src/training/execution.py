"""How the steps of a training are executed: compiled by XLA, or as a TensorFlow graph."""

from dataclasses import dataclass, replace

import tensorflow as tf

from src.config.run_config import RunConfig


@dataclass(frozen=True)
class Execution:
    """A way to execute.

    Attributes:
        jit: whether XLA compiles the steps.
        reason: why, for people.
    """

    jit: bool
    reason: str

    def __str__(self) -> str:
        return f"{'XLA' if self.jit else 'TensorFlow graph'} ({self.reason})"


def choose_execution(config: RunConfig) -> Execution:
    """What ``--jit`` says, or what was measured to be faster for this model on this device."""
    execution = _choose(config)
    if recurrence_dtype(config) is None:
        return execution
    return replace(execution, reason=f"{execution.reason}; its loops stay in float32 on a CPU")


def _choose(config: RunConfig) -> Execution:
    if config.jit != "auto":
        return Execution(config.jit == "on", f"as --jit {config.jit} says")
    if config.strategy == "mirrored":
        return Execution(False, "devices meet at every step, outside what XLA can compile")
    if tf.config.list_logical_devices("GPU"):
        return Execution(True, "on a GPU, XLA fuses what lies between the matrix products")
    if config.model == "mlp":
        return Execution(True, "an mlp on a CPU has small steps, whose overhead XLA removes")
    if config.model == "rnn":
        return Execution(
            False, "an rnn on a CPU runs its directions side by side, each loop compiled by XLA"
        )
    return Execution(False, "on a CPU, oneDNN's convolutions are faster than XLA's")


def compiles_parts(config: RunConfig) -> bool:
    """Whether XLA compiles parts of a step by themselves: an rnn's loops and its update.

    Loops compiled each by itself run side by side on two cores, which one program would not do.
    """
    return config.model == "rnn" and config.jit != "off" and config.strategy == "single"


def recurrence_dtype(config: RunConfig) -> str | None:
    """The type of an rnn's loops, or None for what the config's precision says.

    On a CPU, XLA's products in bfloat16 took twice the time of those in float32.
    """
    lower = config.model == "rnn" and config.precision == "bfloat16"
    return "float32" if lower and not tf.config.list_logical_devices("GPU") else None
