"""The training loop: epochs of compiled steps, validation, early stopping, the best checkpoint.

After an epoch its state is saved first, then the checkpoint if it is the best, and it is announced
last. So a run killed at any moment goes on from its state, which is never behind the other two.
"""

import math
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from src.config.run_config import RunConfig
from src.datasets.spec import Split, TrainingData
from src.model import NeuralNetwork
from src.shared.errors import UserError
from src.tracking.metrics import EpochMetrics
from src.tracking.outcome import Outcome
from src.training import checkpoints
from src.training.epoch import EpochRunner, EpochTotals
from src.training.kept import epoch_runner
from src.training.state_file import Progress


@dataclass(frozen=True)
class TrainingResult:
    """How a training ended.

    Attributes:
        epochs_run: Epochs completed.
        best: Metrics of the epoch with the best validation accuracy, the earliest of equals.
            Its ``epoch`` is 0 if the run was stopped before an epoch was complete.
        outcome: Why it ended: all epochs, patience, or a request.
        checkpoint: The stem of the best weights' files.
    """

    epochs_run: int
    best: EpochMetrics
    outcome: Outcome
    checkpoint: Path


class TrainingDiverged(UserError, RuntimeError):
    """A loss or a norm is no longer a finite number.

    Attributes:
        best: Metrics of the best epoch before that, or None.
        checkpoint: The stem of that epoch's weights, or None.
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


def forget(progress: Progress) -> None:
    """A ``save_state`` that keeps nothing."""


def fit(
    network: NeuralNetwork,
    data: TrainingData,
    *,
    checkpoint: Path,
    on_epoch: Callable[[EpochMetrics], None],
    should_stop: Callable[[], bool] = never,
    save_state: Callable[[Progress], None] = forget,
    resumed: Progress | None = None,
) -> TrainingResult:
    """Train a network until the epochs are done, patience is out, or a stop is requested.

    From the first epoch on, whatever the outcome, the network holds the weights of the best epoch
    so far, and so do the checkpoint's files. A stopped run drops the epoch under way; if that was
    its first, the weights as they are become the checkpoint.

    Args:
        network: Where training starts from, and where the best weights go.
        data: Training and validation examples.
        checkpoint: Stem of the files that hold the best weights so far.
        on_epoch: Called after each complete epoch.
        should_stop: Asked after each chunk of steps, for most models well under a second apart,
            and between epochs.
        save_state: Called before the first epoch, and after each before anybody hears of it.
        resumed: What ``save_state`` was given last by a run that goes on here.

    Raises:
        TrainingDiverged: When a loss or norm is NaN or infinite.
        UserError: If the state is not one of this network, or a file cannot be written.
    """
    with epoch_runner(network, data.train) as runner:
        if resumed:
            _go_on(runner, network, resumed, checkpoint)
        progress = Progress(resumed.epochs if resumed else ())
        save_state(replace(progress, arrays=runner.state()))
        while not (outcome := _outcome(network.config, progress, should_stop)):
            epoch = len(progress.epochs) + 1
            totals = runner.run_epoch(epoch, should_stop)
            if progress.best and totals.stopped:
                outcome = Outcome.STOPPED
                break
            number = 0 if totals.stopped else epoch
            metrics = _measure(number, totals, runner.network, data.validation, progress.best)
            if not all(map(math.isfinite, astuple(metrics))):
                raise TrainingDiverged(metrics, progress.best, checkpoint)
            if totals.stopped:
                _keep(runner, network, metrics, checkpoint)
                return TrainingResult(0, metrics, Outcome.STOPPED, checkpoint)
            progress = Progress((*progress.epochs, metrics))
            save_state(replace(progress, arrays=runner.state()))
            if progress.best is metrics:
                _keep(runner, network, metrics, checkpoint)
            on_epoch(metrics)
    assert progress.best is not None
    return TrainingResult(len(progress.epochs), progress.best, outcome, checkpoint)


def _outcome(
    config: RunConfig, progress: Progress, should_stop: Callable[[], bool]
) -> Outcome | None:
    """How the training ends here, between two epochs, or None if it goes on."""
    epoch, best = len(progress.epochs), progress.best
    if epoch == config.epochs:
        return Outcome.COMPLETED
    if best and 0 < config.patience <= epoch - best.epoch:
        return Outcome.EARLY_STOPPING
    return Outcome.STOPPED if best and should_stop() else None


def _go_on(
    runner: EpochRunner, network: NeuralNetwork, progress: Progress, checkpoint: Path
) -> None:
    """Put the weights back: the last ones into the runner, the best ones into the network."""
    try:
        runner.load_state(progress.arrays)
    except (ValueError, KeyError) as error:
        raise UserError(
            f"the saved state does not fit the network of this version of Gradsweep ({error}); "
            "resume it with the one that wrote it, or train the run again"
        ) from None
    if progress.best is None:
        return
    if progress.best.epoch == len(progress.epochs):
        # It may have been killed before this checkpoint was saved.
        _keep(runner, network, progress.best, checkpoint)
    else:
        best, _ = checkpoints.load(checkpoint)
        network.model.set_weights(best.model.get_weights())


def _keep(
    runner: EpochRunner, network: NeuralNetwork, metrics: EpochMetrics, checkpoint: Path
) -> None:
    """Make the runner's weights the best ones."""
    network.model.set_weights(runner.network.model.get_weights())
    checkpoints.save(checkpoint, network, metrics)


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
        loss=totals.loss / totals.examples,
        accuracy=totals.correct / totals.examples,
        val_loss=val_loss,
        val_accuracy=val_accuracy,
        best_val_accuracy=max(val_accuracy, best.val_accuracy if best else 0.0),
        learning_rate=totals.learning_rate,
        grad_norm=totals.norms.gradient,
        weight_norm=totals.norms.weights,
        update_norm=totals.norms.update,
        examples_per_second=totals.examples / totals.seconds,
        penalty=float(network.compute_penalty()),
    )
