"""A warm agent: one process that trains the runs of a sweep one after the other.

It imports TensorFlow once, where `wandb agent` starts a new Python for every run. It is wandb's own
in-process agent but for how a run is stopped: wandb raises an exception somewhere in the run's
thread; here the trainer is asked, and ends the run with nothing lost.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from wandb.agents import pyagent

from src.config.run_config import RunConfig
from src.shared.command import Parser, run_command
from src.sweeps.fleet import BENCHED
from src.train import train_run
from src.training.loop import TrainingDiverged
from src.training.stopping import StopRequest

MAX_FAILURES_IN_A_ROW = 3
ORPHAN_SECONDS = 10  # what a run is given to end when the sweep's own process is gone


class WarmAgent(pyagent.Agent):  # type: ignore[misc]
    """wandb's in-process agent, stopping its runs through a :class:`StopRequest`.

    Args:
        sweep_path: ``entity/project/sweep_id``.
        models_dir: where the runs' checkpoints go.
        poll_seconds: how often to ask the server for commands.
    """

    def __init__(self, sweep_path: str, models_dir: Path, poll_seconds: float) -> None:
        super().__init__(sweep_path, function=self._train)
        self.HEARTBEAT_SLEEP_SECONDS = poll_seconds
        self._models_dir = models_dir
        self._parameters: dict[str, Any] = {}
        self._stop = StopRequest()

    @property
    def benched(self) -> bool:
        """Whether the agent gave up because its runs kept failing."""
        return bool(self._consecutive_failed_runs >= MAX_FAILURES_IN_A_ROW)

    def interrupt(self, signum: int, frame: FrameType | None) -> None:
        """A signal handler: end the run that is going on, then the agent."""
        self._stop.request(interrupted=True)
        raise KeyboardInterrupt

    def _train(self) -> None:
        try:
            train_run(RunConfig.parse(self._parameters), self._stop, self._models_dir)
        except TrainingDiverged as error:
            # The configuration's fault, not this agent's: W&B has the run as failed.
            print(error)

    def _run_job(self, job: pyagent.Job) -> None:
        self._stop = StopRequest()
        self._parameters = {name: item["value"] for name, item in job.config.items()}
        super()._run_job(job)

    def _stop_run(self, run_id: str) -> None:
        self._run_status[run_id] = pyagent.RunStatus.STOPPED
        self._stop.request()

    def _handle_errored_run(self, run_id: str, count: int) -> bool:
        self._consecutive_failed_runs += 1
        return self.benched


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
    given = parser.parse_args(arguments)

    agent = WarmAgent(given.sweep_path, given.models_dir, given.poll_seconds)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, agent.interrupt)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    agent.run()
    return BENCHED if agent.benched else 0


if __name__ == "__main__":
    run_command(main)
