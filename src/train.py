"""Train one model: `python src/train.py`, `python -m src.train`, or `python train.py` in src/."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

if __name__ == "__main__" and not __package__:
    # Run as a script: src/ itself must not be searched, its modules have the names of packages.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from src.command_line import parse_run_config
from src.config import RunConfig
from src.errors import UserError, run_command
from src.paths import MODELS
from src.stopping import StopRequest


def train_run(config: RunConfig, stop: StopRequest, models_dir: Path = MODELS) -> Path:
    """Train one model from data to logged checkpoint.

    Args:
        config: the run.
        stop: asked between chunks of steps whether to end the run.
        models_dir: where ``best_model_<run id>`` goes.

    Returns:
        The stem of the best epoch's checkpoint.

    Raises:
        UserError: if the data cannot be had or the loss stops being a number.
    """
    # Imported here: TensorFlow takes seconds that --help and a mistyped flag need not wait for.
    from tqdm import tqdm

    from src.startup import start_tensorflow

    start_tensorflow()
    from src import datasets, trainer
    from src.checkpoints import checkpoint_files
    from src.metrics import EpochMetrics
    from src.model import NeuralNetwork
    from src.tracking import Outcome, Tracker

    _check_writable(models_dir)
    data = datasets.load_training(config)
    tracker = Tracker(config)
    checkpoint = models_dir / f"best_model_{tracker.run_id}"
    network = NeuralNetwork(config, data.spec)
    print(network.describe())

    with tqdm(total=config.epochs, unit="epoch", disable=None, leave=False) as progress:

        def on_epoch(metrics: EpochMetrics) -> None:
            tracker.log_epoch(metrics)
            progress.update()
            tqdm.write(
                f"epoch {metrics.epoch:>3}/{config.epochs}"
                f"  loss {metrics.loss:.4f}  accuracy {metrics.accuracy:.4f}"
                f"  val_loss {metrics.val_loss:.4f}  val_accuracy {metrics.val_accuracy:.4f}"
                f"  {metrics.examples_per_second:,.0f} examples/s"
            )

        try:
            result = trainer.train(
                network, config, data, checkpoint=checkpoint, on_epoch=on_epoch, should_stop=stop
            )
        except trainer.TrainingDiverged as error:
            if error.best:
                tracker.log_model(checkpoint_files(checkpoint), error.best)
            tracker.finish("diverged", error.best)
            raise
        except BaseException:
            tracker.abandon()
            raise

    outcome: Outcome = "interrupted" if stop.interrupted else result.outcome
    predicted = network.predict(data.validation.x).argmax(axis=1)
    tracker.log_confusion(data.validation.y, predicted, data.spec.class_names)
    tracker.log_model(checkpoint_files(checkpoint), result.best)
    tracker.finish(outcome, result.best)
    return checkpoint


def _check_writable(folder: Path) -> None:
    """Find out before the training, not after it, that its model cannot be kept."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f"models cannot be saved in {folder} ({error.strerror}); make it a folder that you own"
        ) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit code: 0, or 130 after Ctrl-C.
    """
    config = parse_run_config(arguments, prog="python -m src.train")
    stop = StopRequest()
    stop.listen_to_signals()
    checkpoint = train_run(config, stop)
    print(f"Model     {checkpoint}.weights.h5")
    print(f"Evaluate  python -m src.evaluate --model_path {quote(str(checkpoint))}")
    return 130 if stop.interrupted else 0


if __name__ == "__main__":
    run_command(main)
