"""A training run as it is logged to Weights & Biases."""

import dataclasses
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import wandb
from numpy.typing import NDArray
from pydantic import ValidationError

from src.config.run_config import RunConfig
from src.shared.defaults import PROJECT
from src.shared.errors import UserError
from src.shared.paths import ROOT
from src.tracking.address import RunAddress
from src.tracking.client import Mode, choose_mode, client_settings, in_sweep, server_url
from src.tracking.metrics import EpochMetrics
from src.tracking.outcome import Outcome
from src.tracking.provenance import provenance

# W&B reads a run's state from its exit code: 0 is finished, 255 killed, all else failed.
_EXIT_CODES = {Outcome.INTERRUPTED: 255, Outcome.DIVERGED: 1}
# How long a server that does not answer may hold up the start and the end of a run.
_INIT_TIMEOUT_SECONDS = 30.0
_FINISH_TIMEOUT_SECONDS = 60.0


class Tracker:
    """One W&B run: online with an API key, offline without, a no-op with ``--no_wandb``.

    Once the run has started, no failure of the server reaches the training: the client keeps
    everything on disk and sends what it can.

    Args:
        config: Its hyperparameters.
        facts: What W&B shows beside them.
        resumed: The run to go on with, if it is not a new one.

    Raises:
        UserError: If the server refuses the API key, or wandb the settings.
    """

    def __init__(
        self, config: RunConfig, facts: Mapping[str, Any], resumed: RunAddress | None = None
    ) -> None:
        self._config = config
        self._run = _start_run(config, facts, resumed)

    @property
    def address(self) -> RunAddress:
        """Where to find the run again."""
        online = not (self._run.disabled or self._run.offline)
        return RunAddress(self.run_id, self._run.project, self._run.entity if online else None)

    @property
    def run_id(self) -> str:
        """The run's id at W&B, which the names of all its files carry."""
        return str(self._run.id)

    def log_epoch(self, metrics: EpochMetrics) -> None:
        """Log the one point of an epoch (Hyperband counts these)."""
        self._run.log(dataclasses.asdict(metrics))

    def catch_up(self, epochs: Sequence[EpochMetrics]) -> None:
        """Log those of a resumed run's epochs that the server does not have yet.

        Every epoch is a step, and nothing else is one before the run's end. So the step that the
        run goes on at says how many the server has; offline, none are in the new folder.
        """
        for metrics in epochs[self._run.starting_step :]:
            self.log_epoch(metrics)

    def log_confusion(
        self,
        y_true: NDArray[np.int32],
        y_pred: NDArray[np.intp],
        class_names: tuple[str, ...],
        *,
        more_epochs: bool,
    ) -> None:
        """Log the validation confusion matrix, as W&B's interactive chart and as a heatmap.

        Args:
            y_true: Labels, shape ``(n,)``.
            y_pred: Predicted labels, shape ``(n,)``.
            class_names: One name a class.
            more_epochs: Whether the run may go on. Then only the heatmap is logged, in the summary,
                for the chart takes a step, and a step is an epoch.
        """
        # Imported here: pandas and seaborn take seconds that a run's start need not wait for.
        from src.reporting.figures import confusion_matrix_figure
        from src.reporting.tables import confusion_table

        figure = confusion_matrix_figure(
            confusion_table(y_true, y_pred, class_names),
            normalised=False,
            title=f"Validation confusion, {self._config.dataset}, run {self.run_id}",
        )
        if more_epochs:
            self._run.summary["confusion_matrix_heatmap"] = wandb.Image(figure)
            return
        chart = wandb.plot.confusion_matrix(
            y_true=y_true.tolist(), preds=y_pred.tolist(), class_names=list(class_names)
        )
        self._run.log({"confusion_matrix_heatmap": wandb.Image(figure)}, commit=False)
        with self._tolerating_server("the confusion matrix chart"):
            self._run.log({"confusion_matrix": chart})

    def log_model(self, files: tuple[Path, ...], best: EpochMetrics) -> None:
        """Log the best epoch's checkpoint as the artifact ``best_model_<run id>``."""
        artifact = wandb.Artifact(
            f"best_model_{self.run_id}", type="model", metadata=dataclasses.asdict(best)
        )
        for file in files:
            artifact.add_file(str(file), policy="immutable", skip_cache=True)
        with self._tolerating_server("the model"):
            self._run.log_artifact(artifact)

    def finish(self, outcome: Outcome, best: EpochMetrics | None) -> None:
        """End the run, with how it ended and its best epoch in the summary."""
        summary: dict[str, Any] = {
            "outcome": outcome.value,
            "stopped_early": outcome is Outcome.STOPPED,
        }
        if best is not None:
            summary |= {"best_epoch": best.epoch, "best_val_accuracy": best.val_accuracy}
        self._run.summary.update(summary)
        self._run.finish(exit_code=_EXIT_CODES.get(outcome, 0))

    def abandon(self) -> None:
        """End the run as failed after an error of ours."""
        self._run.finish(exit_code=1)

    @contextmanager
    def _tolerating_server(self, what: str) -> Iterator[None]:
        """Give up what the client does not take while its server is away, but not the run."""
        try:
            yield
        except wandb.errors.Error as error:
            reason = str(error).splitlines()[0]
            print(f"W&B: {what} could not be logged ({reason})", file=sys.stderr)


def _start_run(config: RunConfig, facts: Mapping[str, Any], resumed: RunAddress | None) -> Any:
    mode: Mode = "disabled" if config.no_wandb else choose_mode()
    try:
        return wandb.init(
            **_address_arguments(resumed),
            # Offline there is nothing to go on with: the new folder gets the whole run.
            resume="allow" if resumed and mode == "online" else None,
            name=config.run_name,
            mode=mode,
            dir=os.environ.get("WANDB_DIR", str(ROOT)),
            config=config.model_dump(exclude={"no_wandb", "run_name"}) | {**facts, **provenance()},
            settings=wandb.Settings(
                init_timeout=_INIT_TIMEOUT_SECONDS,
                finish_timeout=client_settings().finish_timeout or _FINISH_TIMEOUT_SECONDS,
            ),
        )
    except (wandb.errors.UsageError, ValidationError, OSError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"wandb refuses to start a run ({reason}); look at the WANDB_... environment variables"
        ) from None
    except wandb.errors.CommError as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"the W&B server at {server_url()} did not take the run ({reason}); "
            "try again, or log offline with WANDB_MODE=offline"
        ) from None


def _address_arguments(resumed: RunAddress | None) -> dict[str, Any]:
    """What ``wandb.init`` is told of where the run is; WANDB_PROJECT and WANDB_ENTITY go first."""
    if resumed:
        return {
            "id": resumed.run_id,
            "project": os.environ.get("WANDB_PROJECT", resumed.project),
            "entity": os.environ.get("WANDB_ENTITY", resumed.entity),
        }
    # A sweep's runs belong to its project; wandb warns when it is given again.
    return {"project": None if in_sweep() else os.environ.get("WANDB_PROJECT", PROJECT)}
