"""Decides how a network is executed here: once a run, by its config and the devices there are."""

import tensorflow as tf

from src.architectures.execution import Execution
from src.architectures.registry import ARCHITECTURES
from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec
from src.model import NeuralNetwork
from src.training.devices import choose_devices


def build_network(config: RunConfig, spec: InputSpec, examples: int) -> NeuralNetwork:
    """The network of a run over so many examples, to be executed as is best here.

    Raises:
        UserError: If it cannot be built, or not be trained here; see :func:`choose_execution`.
    """
    return NeuralNetwork(config, spec, choose_execution(config, examples))


def choose_execution(config: RunConfig, examples: int) -> Execution:
    """How to train on so many examples: what the flags say, or what was measured to be faster.

    Raises:
        UserError: If the devices that ``--strategy`` wants are not here, or the batches are too
            small for them.
    """
    devices = choose_devices(config, examples)
    jit, reason = _choose_jit(config)
    dtype = _recurrence_dtype(config)
    if dtype is not None:
        reason = f"{reason}; its loops stay in float32 on a CPU"
    # Loops compiled each by itself run side by side on two cores, as one program would not.
    recurrent = ARCHITECTURES[config.model].recurrent
    compiles_parts = recurrent and config.jit != "off" and not devices
    return Execution(jit, reason, devices, compiles_parts, dtype)


def execution_of_predictions(config: RunConfig) -> Execution:
    """How to predict here with a network, wherever and however it was trained."""
    return Execution(reason="it only predicts", recurrence_dtype=_recurrence_dtype(config))


def _choose_jit(config: RunConfig) -> tuple[bool, str]:
    """Whether XLA compiles the steps, and why."""
    if config.jit != "auto":
        return config.jit == "on", f"as --jit {config.jit} says"
    if config.strategy == "mirrored":
        return False, "devices meet at every step, outside what XLA can compile"
    if tf.config.list_logical_devices("GPU"):
        return True, "on a GPU, XLA fuses what lies between the matrix products"
    entry = ARCHITECTURES[config.model]
    return entry.xla_on_cpu, entry.why_on_cpu


def _recurrence_dtype(config: RunConfig) -> str | None:
    """The type of a recurrent network's loops, or None for what the config's precision says.

    On a CPU, XLA's products in bfloat16 took twice the time of those in float32.
    """
    lower = ARCHITECTURES[config.model].recurrent and config.precision == "bfloat16"
    return "float32" if lower and not tf.config.list_logical_devices("GPU") else None
