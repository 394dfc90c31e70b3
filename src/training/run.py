"""A training run from its data to its logged checkpoint, new or resumed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shlex import quote

from tqdm import tqdm

from src import datasets
from src.config.run_config import RunConfig
from src.datasets.spec import TrainingData
from src.model import NeuralNetwork
from src.shared.errors import UserError
from src.shared.paths import checkpoint_files
from src.tracking.client import in_sweep
from src.tracking.metrics import EpochMetrics
from src.tracking.outcome import Outcome
from src.tracking.tracker import Tracker
from src.training.execution import build_network
from src.training.loop import TrainingDiverged, fit
from src.training.state_file import Progress, RunRecord, StateFile
from src.training.stopping import StopRequest


@dataclass(frozen=True)
class TrainedRun:
    """A run that has ended.

    Attributes:
        checkpoint: The stem of the best epoch's checkpoint.
        resume_command: Goes on with it, if it was stopped before its end.
    """

    checkpoint: Path
    resume_command: str | None


def run_training(config: RunConfig, stop: StopRequest, models_dir: Path) -> TrainedRun:
    """Train a new run.

    Args:
        config: The run.
        stop: Asked between chunks of steps whether to end the run.
        models_dir: Where ``best_model_<run id>`` and the training state go.

    Raises:
        UserError: If the data cannot be had, the network cannot be built, the loss stops being a
            number, or the disk is full.
    """
    data = datasets.load_training(config)
    # First, for it says whether the run can be trained here.
    network = build_network(config, data.spec, len(data.train))
    with _tracked(Tracker(config, _facts(network)), models_dir) as (tracker, state), state.held():
        record = RunRecord(tracker.address, config, data.spec)
        return _fit_and_log(record, network, data, tracker, state, stop, None)


def resume_training(state: StateFile, stop: StopRequest, no_wandb: bool) -> TrainedRun:
    """Train the rest of a run, as if it had never been interrupted.

    Args:
        state: What the run has saved.
        stop: As :func:`run_training`.
        no_wandb: Whether not to log the rest, though the run was begun with logging.

    Raises:
        UserError: As :func:`run_training`, if the state is damaged or another process trains it.
    """
    with state.held():
        record, progress = state.load()
        data = datasets.load_training(record.config)
        if data.spec != record.spec:
            raise UserError(
                f"the data set {data.name} is not what it was when run {state.run_id} was begun; "
                "train it again"
            )
        config = record.config
        network = build_network(config, data.spec, len(data.train))
        if no_wandb:
            config = config.model_copy(update={"no_wandb": True})
        tracker = Tracker(config, _facts(network), record.address)
        with _tracked(tracker, state.path.parent):
            print(f"Resumed    after epoch {len(progress.epochs)}/{config.epochs}", flush=True)
            tracker.catch_up(progress.epochs)
            return _fit_and_log(record, network, data, tracker, state, stop, progress)


def _fit_and_log(
    record: RunRecord,
    network: NeuralNetwork,
    data: TrainingData,
    tracker: Tracker,
    state: StateFile,
    stop: StopRequest,
    resumed: Progress | None,
) -> TrainedRun:
    """Train to the end, and log what is logged at the end."""
    config, checkpoint = record.config, _checkpoint(state)
    print(f"Execution  {network.execution}\n{network.describe()}", flush=True)
    with _epoch_lines(config, len(resumed.epochs) if resumed else 0) as show:

        def on_epoch(metrics: EpochMetrics) -> None:
            tracker.log_epoch(metrics)
            stop.on_epoch(metrics)
            show(metrics)

        result = fit(
            network,
            data,
            checkpoint=checkpoint,
            on_epoch=on_epoch,
            should_stop=stop,
            save_state=partial(state.save, record),
            resumed=resumed,
        )
    # A sweep judges the runs that it stops; it has no use for their rest.
    unfinished = result.outcome is Outcome.STOPPED and not in_sweep()
    predicted = network.predict(data.validation.x).argmax(axis=1)
    labels, names = data.validation.y, data.spec.class_names
    tracker.log_confusion(labels, predicted, names, more_epochs=unfinished)
    tracker.log_model(checkpoint_files(checkpoint), result.best)
    # Ctrl-C after the last step cuts nothing short.
    cut_short = stop.interrupted and result.outcome is Outcome.STOPPED
    tracker.finish(Outcome.INTERRUPTED if cut_short else result.outcome, result.best)
    if not unfinished:
        state.remove()
    return TrainedRun(checkpoint, _resume_command(state) if unfinished else None)


@contextmanager
def _tracked(tracker: Tracker, models_dir: Path) -> Iterator[tuple[Tracker, StateFile]]:
    """Print the run's id, and end it at W&B whatever goes wrong."""
    state = StateFile(models_dir, tracker.run_id)
    print(f"Run        {state.run_id}")
    if not in_sweep():
        print(f"Resume     {_resume_command(state)}  (should it be cut short)", flush=True)
    try:
        yield tracker, state
    except TrainingDiverged as error:
        if error.best:
            tracker.log_model(checkpoint_files(_checkpoint(state)), error.best)
        tracker.finish(Outcome.DIVERGED, error.best)
        state.remove()  # it would diverge again
        raise
    except BaseException:
        tracker.abandon()
        if state.exists():
            print(f"Resume     {_resume_command(state)}", flush=True)
        raise


@contextmanager
def _epoch_lines(config: RunConfig, done: int) -> Iterator[Callable[[EpochMetrics], None]]:
    """A progress bar, and a function that prints an epoch above it."""
    with tqdm(
        total=config.epochs, initial=done, unit="epoch", disable=None, leave=False
    ) as progress:

        def show(metrics: EpochMetrics) -> None:
            progress.update()
            tqdm.write(
                f"epoch {metrics.epoch:>3}/{config.epochs}"
                f"  loss {metrics.loss:.4f}  accuracy {metrics.accuracy:.4f}"
                f"  val_loss {metrics.val_loss:.4f}  val_accuracy {metrics.val_accuracy:.4f}"
                f"  {metrics.examples_per_second:,.0f} examples/s"
            )

        yield show


def _facts(network: NeuralNetwork) -> dict[str, object]:
    """What W&B shows beside the hyperparameters."""
    execution = network.execution
    return {"execution": {"jit": execution.jit, "reason": execution.reason}}


def _checkpoint(state: StateFile) -> Path:
    return state.path.parent / f"best_model_{state.run_id}"


def _resume_command(state: StateFile) -> str:
    return f"python -m src.train --resume {quote(state.run_id)}"
