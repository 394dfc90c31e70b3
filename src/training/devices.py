"""Training on several devices of one machine: each takes its share of every batch."""

from typing import Any

import tensorflow as tf

from src.architectures.execution import Execution
from src.config.run_config import RunConfig
from src.model import NeuralNetwork, Step
from src.optimizers.base import Optimizer
from src.shared.errors import UserError

Tensor = Any  # TensorFlow ships no types


def choose_devices(config: RunConfig, examples: int) -> tuple[str, ...]:
    """The devices that ``--strategy`` names: all local GPUs, or none in particular.

    Raises:
        UserError: If there is only one device to train on, or if the last batch of so many
            examples has fewer than there are devices.
    """
    if config.strategy == "single":
        return ()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) < 2:
        raise UserError(
            "--strategy: mirrored needs at least 2 GPUs; train with single, or where the GPUs are"
        )
    batch_size = min(config.batch_size, examples)
    if (last := (examples - 1) % batch_size + 1) < len(devices):
        raise UserError(
            f"--batch_size: {batch_size} leaves a last batch of {last} of {examples} examples, "
            f"too few for {len(devices)} devices; choose another"
        )
    return tuple(device.name for device in devices)


def strategy_for(execution: Execution) -> Any:
    """TensorFlow's strategy for an execution's devices: the default one if it names none."""
    if execution.devices:
        return tf.distribute.MirroredStrategy(execution.devices)
    return tf.distribute.get_strategy()


def take_step(
    network: NeuralNetwork, strategy: Any, x: Tensor, y: Tensor, optimizer: Optimizer
) -> Step:
    """As ``NeuralNetwork.take_step``, on all devices of a strategy at once.

    The devices' losses and gradients are summed, and the one update goes to all of them. Batch
    norm takes the statistics of each device's share, as is usual.

    Args:
        network: Made in the strategy's scope.
        strategy: Where to compute.
        x: A batch, with at least one example for each device.
        y: Its labels.
        optimizer: Its slots are on the first device only.
    """

    def take_share(x: Tensor, y: Tensor) -> Step:
        replica = tf.distribute.get_replica_context()
        own = slice(replica.replica_id_in_sync_group, None, replica.num_replicas_in_sync)
        share = tf.cast(tf.size(y[own]) / tf.size(y), tf.float32)
        return network.compute_gradients(x[own], y[own], share)

    shares = strategy.run(take_share, args=(x, y))
    step: Step = tf.nest.map_structure(lambda v: strategy.reduce("SUM", v, axis=None), shares)
    network.apply_gradients(step.gradients, optimizer)
    return step
