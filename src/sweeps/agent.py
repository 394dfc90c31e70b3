"""A warm agent: one process that trains the runs of a sweep one after the other.

It imports TensorFlow once, where `wandb agent` starts a new Python for every run. A run that is to
be stopped is asked to, and ends with nothing lost.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

from src.config.run_config import RunConfig
from src.shared.command import Parser, run_command
from src.shared.signals import heed
from src.sweeps.fleet import BENCHED
from src.tracking.metrics import EpochMetrics
from src.tracking.wandb_private import InProcessAgent
from src.train import train_run
from src.training.loop import TrainingDiverged
from src.training.stopping import StopRequest

MAX_FAILURES_IN_A_ROW = 3
ORPHAN_SECONDS = 10  # what a run is given to end when the sweep's own process is gone


class WarmAgent(InProcessAgent):
    """An agent that trains here, and stops its runs through a :class:`StopRequest`.

    Args:
        sweep_path: The sweep, as ``entity/project/sweep_id``.
        models_dir: Where the runs' checkpoints go.
        poll_seconds: How often to ask the server for commands.
        tells_epochs: Whether to tell the server of each epoch at once, which stops it the sooner.
    """

    def __init__(
        self, sweep_path: str, models_dir: Path, poll_seconds: float, *, tells_epochs: bool
    ) -> None:
        super().__init__(sweep_path, poll_seconds, MAX_FAILURES_IN_A_ROW, tells_epochs=tells_epochs)
        self._models_dir = models_dir
        self._parameters: dict[str, Any] = {}
        self._stop = StopRequest()
        self._ending = False

    def interrupt(self, signum: int, frame: FrameType | None) -> None:
        """A signal handler: end the run that is going on, then the agent; once is enough."""
        if self._ending:
            return
        self._ending = True
        self._stop.request(interrupted=True)
        raise KeyboardInterrupt

    def prepare(self, parameters: dict[str, Any]) -> None:
        """Take what the next run is to be trained with."""
        self._stop = StopRequest(self._tell_epoch)
        if self._ending:  # the signal met the run before this one
            self._stop.request(interrupted=True)
        self._parameters = parameters

    def _tell_epoch(self, metrics: EpochMetrics) -> None:
        self.epoch_logged(metrics.epoch - 1, asdict(metrics))

    def train(self) -> None:
        """Train a run."""
        try:
            train_run(RunConfig.parse(self._parameters), self._stop, self._models_dir)
        except TrainingDiverged as error:
            # The configuration's fault, not this agent's: W&B has the run as failed.
            print(error)

    def stop_training(self) -> None:
        """Ask the run that is going on to end."""
        self._stop.request()


def _end_with_parent() -> None:
    """Stop as after a SIGTERM when stdin closes, which it does when the fleet's process dies."""
    # Not through sys.stdin: a thread inside its lock would abort the interpreter's shutdown.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # The server may be gone as well, and wandb would wait for it.
    time.sleep(ORPHAN_SECONDS)
    os._exit(1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one agent until the sweep has no more runs for it.

    Returns:
        The exit code: 0, or ``BENCHED``.
    """
    parser = Parser(prog="python -m src.sweeps.agent", description="One warm agent of a sweep.")
    parser.add_argument("sweep_path", help="entity/project/sweep_id")
    parser.add_argument("--models_dir", type=Path, required=True)
    parser.add_argument("--poll_seconds", type=float, default=5.0)
    parser.add_argument(
        "--tell_epochs",
        action="store_true",
        help="tell the server, which must be the embedded one, of each epoch at once",
    )
    given = parser.parse_args(arguments)

    agent = WarmAgent(
        given.sweep_path, given.models_dir, given.poll_seconds, tells_epochs=given.tell_epochs
    )
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, agent.interrupt)
    heed(signal.SIGHUP, agent.interrupt)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    agent.run()
    return BENCHED if agent.given_up else 0


if __name__ == "__main__":
    run_command(main)
