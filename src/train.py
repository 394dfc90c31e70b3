"""Train one model: `python src/train.py`, `python -m src.train`, or `python train.py` in src/."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

if __name__ == "__main__" and not __package__:
    # Run as a script: src/ itself must not be searched, its modules have the names of packages.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from src.config.command_line import parse_command
from src.config.run_config import RunConfig
from src.shared.command import run_command
from src.shared.errors import UserError
from src.shared.paths import MODELS
from src.training.stopping import StopRequest

if TYPE_CHECKING:
    from src.training.run import TrainedRun


def train_run(config: RunConfig, stop: StopRequest, models_dir: Path = MODELS) -> "TrainedRun":
    """Train one model from data to logged checkpoint.

    Args:
        config: The run.
        stop: Asked between chunks of steps whether to end the run.
        models_dir: Where ``best_model_<run id>`` goes.

    Raises:
        UserError: If the data cannot be had, the loss stops being a number, or the disk is full.
    """
    # Imported here: TensorFlow takes seconds that --help and a mistyped flag need not wait for.
    from src.training.tensorflow import start_tensorflow

    start_tensorflow()
    from src.training.run import run_training

    _check_writable(models_dir)
    return run_training(config, stop, models_dir)


def resume_run(run_id: str, stop: StopRequest, no_wandb: bool = False) -> "TrainedRun":
    """Go on with a run that was interrupted or killed, from the end of its last complete epoch.

    Args:
        run_id: The run.
        stop: As :func:`train_run`.
        no_wandb: Whether not to log the rest.

    Raises:
        UserError: As :func:`train_run`, or if there is no such run or it is being trained.
    """
    from src.training.state_file import StateFile

    state = StateFile.find(run_id, MODELS)
    from src.training.tensorflow import start_tensorflow

    start_tensorflow()
    from src.training.run import resume_training

    return resume_training(state, stop, no_wandb)


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
    command = parse_command(arguments, prog="python -m src.train")
    stop = StopRequest()
    stop.listen_to_signals()
    if command.resume is None:
        run = train_run(command.config, stop)
    else:
        run = resume_run(command.resume, stop, command.config.no_wandb)
    print(f"Model      {run.checkpoint}.weights.h5")
    print(f"Evaluate   python -m src.evaluate --model_path {quote(str(run.checkpoint))}")
    if run.resume_command:
        print(f"Resume     {run.resume_command}")
    return 130 if stop.interrupted else 0


if __name__ == "__main__":
    run_command(main)
