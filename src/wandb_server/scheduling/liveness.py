"""Who has been heard from lately, in seconds that the server was at work.

Neither a restart of the server, however long it was away, nor a time in which it stood still makes
a run look dead: silence counts from when the last of its clients must have tried again.
"""

import threading

from src.wandb_server.scheduling.running_clock import RunningClock

# Silence of a run and of its agent, both of which speak every few seconds.
CRASH_AFTER = 30.0
# A run that no agent watches may be slow without being dead; W&B waits about as long.
UNATTENDED_CRASH_AFTER = 300.0


class Liveness:
    """Last contacts of runs and agents.

    Args:
        clock: Seconds that the server has run, below 0 while it cannot have heard everyone.
        crash_after: Seconds of silence of both a run and its agent after which the run is dead.
    """

    def __init__(self, clock: RunningClock, crash_after: float = CRASH_AFTER) -> None:
        self.crash_after = crash_after
        self.clock = clock
        self._lock = threading.Lock()
        self._runs: dict[int, float] = {}
        self._agents: dict[int, float] = {}
        self._unreported: dict[int, float] = {}

    def run_spoke(self, run_id: int) -> None:
        """A run has sent something."""
        with self._lock:
            self._runs[run_id] = self.clock()

    def agent_spoke(self, agent_id: int) -> None:
        """An agent has sent a heartbeat."""
        with self._lock:
            self._agents[agent_id] = self.clock()

    def run_silence(self, run_id: int) -> float:
        """Seconds since a run was heard from."""
        with self._lock:
            return self.clock() - self._runs.get(run_id, 0.0)

    def agent_silence(self, agent_id: int) -> float:
        """Seconds since an agent was heard from."""
        with self._lock:
            return self.clock() - self._agents.get(agent_id, 0.0)

    def unreported_for(self, run_id: int) -> float:
        """Seconds since an agent's report first lacked this run of its own."""
        with self._lock:
            return self.clock() - self._unreported.setdefault(run_id, self.clock())

    def reported(self, run_id: int) -> None:
        """An agent's report names this run."""
        with self._lock:
            self._unreported.pop(run_id, None)

    def is_dead(self, run_id: int, agent_id: int | None) -> bool:
        """Whether an active run, with its agent if it has one, must be taken for crashed."""
        silence = self.run_silence(run_id)
        if agent_id is None:
            return silence > UNATTENDED_CRASH_AFTER
        return min(silence, self.agent_silence(agent_id)) > self.crash_after
