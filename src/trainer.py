"""The training loop: epochs of compiled steps, validation, early stopping, the best checkpoint."""

import math
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

from src import checkpoints
from src.config import RunConfig
from src.datasets.spec import Split, TrainingData
from src.epochs import EpochTotals, epoch_runner
from src.errors import UserError
from src.metrics import EpochMetrics
from src.model import NeuralNetwork

Outcome = Literal["completed", "early_stopping", "stopped"]


@dataclass(frozen=True)
class TrainingResult:
    """How a training ended.

    Attributes:
        epochs_run: epochs completed.
        best: metrics of the epoch with the best validation accuracy, the earliest of equals.
            Its ``epoch`` is 0 if the run was stopped before an epoch was complete.
        outcome: ``completed`` all epochs, ``early_stopping`` for patience, ``stopped`` on request.
        checkpoint: the stem of the best weights' files.
    """

    epochs_run: int
    best: EpochMetrics
    outcome: Outcome
    checkpoint: Path


class TrainingDiverged(UserError, RuntimeError):
    """A loss or a norm is no longer a finite number.

    Attributes:
        best: metrics of the best epoch before that, or None.
        checkpoint: the stem of that epoch's weights, or None.
    """

    def __init__(self, bad: EpochMetrics, best: EpochMetrics | None, checkpoint: Path) -> None:
        self.best = best
        self.checkpoint = checkpoint if best else None
        name, value = next((n, v) for n, v in vars(bad).items() if not math.isfinite(v))
        kept = f"epoch {best.epoch} is kept in {checkpoint}" if best else "no good epoch to keep"
        super().__init__(
            f"training diverged: {name} is {value} in epoch {bad.epoch} "
            f"with learning_rate {bad.learning_rate:g}; use a smaller learning_rate ({kept})"
        )


def never() -> bool:
    """A ``should_stop`` that never stops."""
    return False


def train(
    network: NeuralNetwork,
    config: RunConfig,
    data: TrainingData,
    *,
    checkpoint: Path,
    on_epoch: Callable[[EpochMetrics], None],
    should_stop: Callable[[], bool] = never,
) -> TrainingResult:
    """Train until the epochs are done, patience is out, or a stop is requested.

    From the first epoch on, whatever the outcome, the network holds the weights of the best epoch
    so far, and so do the checkpoint's files. A stopped run drops the epoch under way; if that was
    its first, the weights as they are become the checkpoint.

    Args:
        network: where training starts from, and where its best weights go.
        config: the run that the network was made for.
        data: training and validation examples.
        checkpoint: stem of the files that hold the best weights so far.
        on_epoch: called after each complete epoch.
        should_stop: asked after each chunk of steps, for most models well under a second apart,
            and between epochs.

    Raises:
        TrainingDiverged: when a loss or norm is NaN or infinite.
    """
    best: EpochMetrics | None = None
    outcome: Outcome = "completed"
    epochs_run = 0
    with epoch_runner(network, data.train) as runner:
        for epoch in range(1, config.epochs + 1):
            if best and should_stop():
                outcome = "stopped"
                break
            totals = runner.run(epoch, should_stop)
            if best and totals.stopped:
                outcome = "stopped"
                break
            number = 0 if totals.stopped else epoch
            metrics = _measure(number, totals, runner.network, data.validation, best)
            if not all(map(math.isfinite, astuple(metrics))):
                raise TrainingDiverged(metrics, best, checkpoint)
            if best is None or metrics.val_accuracy > best.val_accuracy:
                best = metrics
                network.model.set_weights(runner.network.model.get_weights())
                checkpoints.save(checkpoint, network, metrics)
            if totals.stopped:
                outcome = "stopped"
                break
            epochs_run = epoch
            on_epoch(metrics)
            if 0 < config.patience <= epoch - best.epoch and epoch < config.epochs:
                outcome = "early_stopping"
                break
    assert best is not None  # an epoch, even one cut short, has metrics or raises
    return TrainingResult(epochs_run, best, outcome, checkpoint)


def _measure(
    epoch: int,
    totals: EpochTotals,
    network: NeuralNetwork,
    validation: Split,
    best: EpochMetrics | None,
) -> EpochMetrics:
    """Validate, and put the numbers of an epoch together."""
    val_loss, val_accuracy = network.evaluate(validation.x, validation.y)
    return EpochMetrics(
        epoch=epoch,
        loss=totals.loss / totals.examples + float(network.compute_penalty()),
        accuracy=totals.correct / totals.examples,
        val_loss=val_loss,
        val_accuracy=val_accuracy,
        best_val_accuracy=max(val_accuracy, best.val_accuracy if best else 0.0),
        learning_rate=totals.learning_rate,
        grad_norm=totals.norms.gradient,
        weight_norm=totals.norms.weights,
        update_norm=totals.norms.update,
        examples_per_second=totals.examples / totals.seconds,
    )
