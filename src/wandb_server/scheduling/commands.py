"""What an agent is told to do."""

from dataclasses import dataclass

from src.wandb_server.store.runs import Run


@dataclass(frozen=True)
class Start:
    """Start the program of a run.

    Attributes:
        run: The run, with what its sweep chose in ``params``.
        program: The program that the sweep names, if it does.
        resumed: Whether the run was preempted and goes on.
    """

    run: Run
    program: str | None
    resumed: bool = False


@dataclass(frozen=True)
class Stop:
    """Stop a run that is under way."""

    run: Run


@dataclass(frozen=True)
class Exit:
    """Do not ask again: there are no more runs for this agent."""


Command = Start | Stop | Exit
