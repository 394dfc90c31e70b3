"""Where a run is at W&B, which is kept with its state. Knows no wandb, so it is quickly read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RunAddress:
    """Where a run is at W&B.

    Attributes:
        run_id: Its id, which the names of all its files carry.
        project: Its project.
        entity: Whose project that is; None if the run was not online.
    """

    run_id: str
    project: str
    entity: str | None
