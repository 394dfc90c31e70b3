"""How the runs of a sweep and the sweep itself stand, in the words of every W&B server."""

from enum import StrEnum
from typing import Self


class RunState(StrEnum):
    """How a run stands.

    Attributes:
        PENDING: It has been handed out and has not begun.
        RUNNING: It has been heard of lately.
        PREEMPTING: Its machine is about to be taken away; until then it goes on.
        FINISHED: It ended with exit code 0.
        FAILED: It ended with another exit code.
        CRASHED: It has not been heard of for a while.
        KILLED: It was interrupted.
        UNKNOWN: Another word of its server: not active, and not done.
    """

    PENDING = "pending"
    RUNNING = "running"
    PREEMPTING = "preempting"
    FINISHED = "finished"
    FAILED = "failed"
    CRASHED = "crashed"
    KILLED = "killed"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> Self:
        return cls("unknown")


# An agent has the run.
ACTIVE = (RunState.PENDING, RunState.RUNNING, RunState.PREEMPTING)
# The run is through; crashed and interrupted ones are tried again.
DONE = (RunState.FINISHED, RunState.FAILED)


class SweepState(StrEnum):
    """How a sweep stands.

    Attributes:
        PENDING: It has had no agent yet.
        RUNNING: Agents get runs.
        PAUSED: Agents wait.
        FINISHED: Its last run has been handed out.
        CANCELED: Somebody has ended it.
        UNKNOWN: Another word of its server: not over.
    """

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _missing_(cls, value: object) -> Self:
        return cls("CANCELED" if value == "CANCELLED" else "UNKNOWN")

    @property
    def over(self) -> bool:
        """Whether agents get no more runs."""
        return self in (SweepState.FINISHED, SweepState.CANCELED)
