"""The agents of a sweep on this machine: started, watched, replaced when they die, ended."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from src.shared.paths import ROOT
from src.sweeps.logs import open_log

MAX_REPLACEMENTS = 3  # of one agent
BENCHED = 3  # an agent's exit code when its runs kept failing
_STOP_SECONDS = 90  # a run ends its steps, saves and uploads in that time


@dataclass
class _Seat:
    """One agent and those that replaced it."""

    number: int
    log: Path
    process: subprocess.Popen[bytes]
    replacements: int = 0
    given_up: bool = False


class Fleet:
    """A fixed number of warm agents, each a process of its own.

    Args:
        sweep_path: The sweep, as ``entity/project/sweep_id``.
        size: How many agents run in parallel.
        poll_seconds: How often an agent asks the server for commands.
        models_dir: Where the runs' checkpoints go.
        log_dir: Where ``agent-<n>.log`` goes.
        tell_epochs: Whether agents tell the server, which must be the embedded one, of each epoch.

    Raises:
        UserError: If the logs cannot be opened.
    """

    def __init__(
        self,
        sweep_path: str,
        size: int,
        poll_seconds: float,
        models_dir: Path,
        log_dir: Path,
        *,
        tell_epochs: bool,
    ) -> None:
        self._command = [
            *(sys.executable, "-m", "src.sweeps.agent", sweep_path),
            *("--poll_seconds", str(poll_seconds), "--models_dir", str(models_dir)),
            *(["--tell_epochs"] if tell_epochs else []),
        ]
        self._environment = _environment(size)
        logs = [log_dir / f"agent-{number}.log" for number in range(1, size + 1)]
        self._seats = [
            _Seat(number, log, self._start(log)) for number, log in enumerate(logs, start=1)
        ]

    @property
    def alive(self) -> bool:
        """Whether any agent is at work."""
        return any(seat.process.poll() is None for seat in self._seats)

    def tend(self) -> list[str]:
        """Replace the agents that have died; one whose runs keep failing is left out.

        Returns:
            A line for each that has: what happened, and where its log is.
        """
        return [self._tend(seat) for seat in self._seats if self._has_died(seat)]

    def stop(self) -> None:
        """End all agents; runs that are going on end gracefully and are logged as interrupted."""
        for seat in self._seats:
            if seat.process.poll() is None:
                seat.process.send_signal(signal.SIGTERM)
        for seat in self._seats:
            try:
                seat.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                seat.process.kill()
                seat.process.wait()

    def kill(self) -> None:
        """End all agents at once; their runs can be gone on with from their last epoch."""
        for seat in self._seats:
            seat.process.kill()
            seat.process.wait()

    def _has_died(self, seat: _Seat) -> bool:
        return not seat.given_up and bool(seat.process.poll())

    def _tend(self, seat: _Seat) -> str:
        code = seat.process.returncode
        if code == BENCHED:
            seat.given_up = True
            return f"agent {seat.number} is benched: its last runs all failed; see {seat.log}"
        ended = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        if seat.replacements == MAX_REPLACEMENTS:
            seat.given_up = True
            return f"agent {seat.number} died again ({ended}) and is left out; see {seat.log}"
        seat.replacements += 1
        seat.process = self._start(seat.log)
        return f"agent {seat.number} died ({ended}) and was replaced; its log: {seat.log}"

    def _start(self, log: Path) -> subprocess.Popen[bytes]:
        with open_log(log) as output:
            return subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                # Ctrl-C goes to the sweep's own process, which tells the agents.
                start_new_session=True,
            )


def _environment(agents: int) -> dict[str, str]:
    """The agents' environment: the cores shared out, wandb's output in the log without colours."""
    threads = str(max(1, (os.cpu_count() or 1) // agents))
    environment = {
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": threads,
        "WANDB_DIR": str(ROOT),
        **os.environ,
        "NO_COLOR": "1",
    }
    # Each agent is to have a wandb service of its own, which ends with it.
    environment.pop("WANDB_SERVICE", None)
    return environment
