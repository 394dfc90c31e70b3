"""The states of runs, sweeps and agents, as they are stored and sent; only added, never removed."""

from enum import StrEnum


class RunState(StrEnum):
    """How a run stands.

    Attributes:
        PENDING: An agent has been handed it, or it waits for one; its program has not begun.
        RUNNING: Its program sends, or has sent within the time that a program may be silent.
        PREEMPTING: Its machine is about to be taken away; it goes on elsewhere.
        PREEMPTED: That has happened: an agent is to go on with it.
        FINISHED: Its program ended with exit code 0.
        FAILED: Its program ended with another one.
        CRASHED: Nothing was heard of it for too long.
        KILLED: Its user ended it, or it was told to stop and did not do so tidily, or it was
            withdrawn.
    """

    PENDING = "pending"
    RUNNING = "running"
    PREEMPTING = "preempting"
    PREEMPTED = "preempted"
    FINISHED = "finished"
    FAILED = "failed"
    CRASHED = "crashed"
    KILLED = "killed"

    @property
    def active(self) -> bool:
        """Whether the run may still make progress."""
        return self in (RunState.PENDING, RunState.RUNNING, RunState.PREEMPTING)

    @property
    def went_wrong(self) -> bool:
        """Whether the run ended, and not as it should."""
        return self in (RunState.FAILED, RunState.CRASHED, RunState.KILLED)


class SweepState(StrEnum):
    """How a sweep stands.

    Attributes:
        PENDING: It has had no agent yet.
        RUNNING: Agents are given runs.
        PAUSED: Agents are given no new runs for now; those under way go on.
        FINISHED: Agents are given no new runs; those under way go on to their end.
        CANCELED: The runs under way are ended as well.
    """

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"

    @property
    def over(self) -> bool:
        """Whether no agent will start another run."""
        return self in (SweepState.FINISHED, SweepState.CANCELED)


class AgentState(StrEnum):
    """How an agent stands.

    Attributes:
        RUNNING: It asks for commands.
        FINISHED: It was told to exit.
        CRASHED: Nothing was heard of it for too long.
        BENCHED: Its runs kept failing, so it is given no more.
    """

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    CRASHED = "CRASHED"
    BENCHED = "BENCHED"
