"""How a training run ended."""

from enum import StrEnum


class Outcome(StrEnum):
    """How a run ended, as W&B's summary and training states store it: only added to, never renamed.

    Attributes:
        COMPLETED: All its epochs are trained.
        EARLY_STOPPING: ``patience`` epochs in a row did not improve on the best.
        STOPPED: A sweep's agent, or whoever sent SIGTERM, asked the run to end.
        INTERRUPTED: The user pressed Ctrl-C: its configuration has not been judged.
        DIVERGED: Its loss is no longer a finite number.
    """

    COMPLETED = "completed"
    EARLY_STOPPING = "early_stopping"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    DIVERGED = "diverged"
