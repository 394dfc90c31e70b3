"""Who has been heard from lately, by the monotonic clock of this process.

A restart of the server, however long it was away, never makes a run look dead: of those that have
not spoken yet since then, silence counts from when the last of them must have tried again.
"""

import threading
import time
from collections.abc import Callable

# Silence of a run and of its agent, both of which speak every few seconds.
CRASH_AFTER = 30.0
# A run that no agent watches may be slow without being dead; W&B waits about as long.
UNATTENDED_CRASH_AFTER = 300.0
# The longest pause that the client makes between attempts to reach a server that is away.
CLIENT_BACKOFF = 60.0


class Liveness:
    """Last contacts of runs and agents.

    Args:
        crash_after: Seconds of silence of both a run and its agent after which the run is dead.
        clock: A monotonic clock in seconds.
    """

    def __init__(
        self, crash_after: float = CRASH_AFTER, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.crash_after = crash_after
        self._clock = clock
        self._silent_since = clock() + CLIENT_BACKOFF
        self._lock = threading.Lock()
        self._runs: dict[int, float] = {}
        self._agents: dict[int, float] = {}
        self._unreported: dict[int, float] = {}

    def run_spoke(self, run_id: int) -> None:
        """A run has sent something."""
        with self._lock:
            self._runs[run_id] = self._clock()

    def agent_spoke(self, agent_id: int) -> None:
        """An agent has sent a heartbeat."""
        with self._lock:
            self._agents[agent_id] = self._clock()

    def run_silence(self, run_id: int) -> float:
        """Seconds since a run was heard from."""
        with self._lock:
            return self._clock() - self._runs.get(run_id, self._silent_since)

    def agent_silence(self, agent_id: int) -> float:
        """Seconds since an agent was heard from."""
        with self._lock:
            return self._clock() - self._agents.get(agent_id, self._silent_since)

    def unreported_for(self, run_id: int) -> float:
        """Seconds since an agent's report first lacked this run of its own."""
        with self._lock:
            return self._clock() - self._unreported.setdefault(run_id, self._clock())

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
