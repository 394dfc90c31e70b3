"""How the steps of a training are executed: compiled by XLA, or as a TensorFlow graph."""

from dataclasses import dataclass

import tensorflow as tf

from src.config import RunConfig


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
    if config.jit != "auto":
        return Execution(config.jit == "on", f"as --jit {config.jit} says")
    if config.strategy == "mirrored":
        return Execution(False, "devices meet at every step, outside what XLA can compile")
    if tf.config.list_logical_devices("GPU"):
        return Execution(True, "on a GPU, XLA fuses what lies between the matrix products")
    if config.model == "mlp":
        return Execution(True, "an mlp on a CPU has small steps, whose overhead XLA removes")
    if config.model == "rnn":
        precision = "" if config.precision == "float32" else ", in float32, which is faster"
        return Execution(
            False,
            "an rnn on a CPU runs its directions side by side, each loop compiled by XLA"
            + precision,
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
    on_cpu = not tf.config.list_logical_devices("GPU")
    return "float32" if on_cpu and config.precision == "bfloat16" else None
