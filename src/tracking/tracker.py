"""Logging of a training run to Weights & Biases: the only module of a run that talks to wandb."""

import dataclasses
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import requests
import wandb
from numpy.typing import NDArray
from pydantic import ValidationError
from wandb.sdk.lib import wbauth

from src.config.run_config import RunConfig
from src.reporting.figures import confusion_matrix_figure
from src.reporting.tables import confusion_table
from src.shared.defaults import PROJECT
from src.shared.errors import UserError
from src.shared.paths import ROOT
from src.tracking.metrics import EpochMetrics
from src.training.state_file import RunAddress

Outcome = Literal["completed", "early_stopping", "stopped", "interrupted", "diverged"]

# W&B reads a run's state from its exit code: 0 is finished, 255 killed, all else failed.
_EXIT_CODES: dict[str, int] = {"interrupted": 255, "diverged": 1}
# How long a server that does not answer may hold up the start and the end of a run.
_REACH_TIMEOUT_SECONDS = 5.0
_INIT_TIMEOUT_SECONDS = 30.0
_FINISH_TIMEOUT_SECONDS = 60.0
_PACKAGES = ("tensorflow", "keras", "numpy", "wandb")


def server_url() -> str:
    """The address of the W&B server that the client is set to."""
    return str(_client_settings().base_url)


def has_api_key() -> bool:
    """Whether the client has a key for the server it is set to; never asks for one."""
    settings = _client_settings()
    if settings.api_key or settings.identity_token_file:
        return True
    return wbauth.read_netrc_auth(host=settings.base_url) is not None


def _client_settings() -> wandb.Settings:
    # Read anew: wandb's own global settings are fixed once somebody has looked at them.
    settings = wandb.Settings()
    settings.update_from_system_settings()
    try:
        settings.update_from_env_vars(dict(os.environ))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise UserError(
            f"WANDB_{name.upper()}: {first['input']!r} is not allowed ({first['msg']}); "
            "mend or unset that environment variable"
        ) from None
    except wandb.errors.UsageError as error:
        raise UserError(f"{error}; mend or unset that WANDB_... environment variable") from None
    return settings


def in_sweep() -> bool:
    """Whether an agent of a sweep has started this run."""
    return "WANDB_SWEEP_ID" in os.environ


class Tracker:
    """One W&B run: online with an API key, offline without, a no-op with ``--no_wandb``.

    Once the run has started, no failure of the server reaches the training: the client keeps
    everything on disk and sends what it can.

    Args:
        config: its hyperparameters.
        facts: what W&B shows beside them.
        resumed: the run to go on with, if it is not a new one.

    Raises:
        UserError: if the server refuses the API key.
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
            y_true: labels, shape ``(n,)``.
            y_pred: predicted labels, shape ``(n,)``.
            class_names: one name a class.
            more_epochs: whether the run may go on. Then only the heatmap is logged, in the summary,
                for the chart takes a step, and a step is an epoch.
        """
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
        summary: dict[str, Any] = {"outcome": outcome, "stopped_early": outcome == "stopped"}
        if best is not None:
            summary |= {"best_epoch": best.epoch, "best_val_accuracy": best.val_accuracy}
        self._run.summary.update(summary)
        self._run.finish(exit_code=_EXIT_CODES.get(outcome, 0))

    def abandon(self) -> None:
        """End the run as failed after an error of ours."""
        self._run.finish(exit_code=1)

    @contextmanager
    def _tolerating_server(self, what: str) -> Iterator[None]:
        """What the client does not take while its server is away is given up, the run is not."""
        try:
            yield
        except wandb.errors.Error as error:
            reason = str(error).splitlines()[0]
            print(f"W&B: {what} could not be logged ({reason})", file=sys.stderr)


def _start_run(config: RunConfig, facts: Mapping[str, Any], resumed: RunAddress | None) -> Any:
    mode = _mode(config)
    try:
        return _init(config, facts, mode, resumed)
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


def _mode(config: RunConfig) -> Any:
    if config.no_wandb:
        return "disabled"
    if chosen := _client_settings().mode if os.environ.get("WANDB_MODE") else None:
        return chosen
    if not has_api_key():
        print("W&B: no API key, so this run is logged offline, into wandb/", file=sys.stderr)
        return "offline"
    if server_answers():
        return "online"
    print(f"W&B: {server_url()} does not answer; this run is logged offline", file=sys.stderr)
    return "offline"


def server_answers() -> bool:
    """Whether there is a server, and it accepts the API key.

    Raises:
        UserError: if it refuses the key.
    """
    # Asked first: wandb's own check does not tell a server that is away from a wrong key.
    try:
        requests.head(server_url(), timeout=_REACH_TIMEOUT_SECONDS)
    except requests.RequestException:
        return False
    try:
        wandb.login(verify=True)
    except wandb.errors.AuthenticationError:
        raise UserError(
            f"the W&B server at {server_url()} refuses the API key; "
            "mend WANDB_API_KEY or run `wandb login --relogin`"
        ) from None
    return True


def _init(
    config: RunConfig, facts: Mapping[str, Any], mode: Any, resumed: RunAddress | None
) -> Any:
    return wandb.init(
        **(_address_of(resumed) if resumed else _new_address()),
        # Offline there is nothing to go on with: the new folder gets the whole run.
        resume="allow" if resumed and mode == "online" else None,
        name=config.run_name,
        mode=mode,
        dir=os.environ.get("WANDB_DIR", str(ROOT)),
        config={**config.model_dump(exclude={"no_wandb", "run_name"}), **facts, **_provenance()},
        settings=wandb.Settings(
            init_timeout=_INIT_TIMEOUT_SECONDS,
            finish_timeout=_client_settings().finish_timeout or _FINISH_TIMEOUT_SECONDS,
        ),
    )


def _new_address() -> dict[str, Any]:
    # A sweep's runs belong to its project; wandb warns when it is given again.
    return {"project": None if in_sweep() else os.environ.get("WANDB_PROJECT", PROJECT)}


def _address_of(resumed: RunAddress) -> dict[str, Any]:
    return {
        "id": resumed.run_id,
        "project": os.environ.get("WANDB_PROJECT", resumed.project),
        "entity": os.environ.get("WANDB_ENTITY", resumed.entity),
    }


def _provenance() -> dict[str, Any]:
    """What produced the run: git commit, ``+changes`` if the checkout is not clean, versions."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    versions["python"] = platform.python_version()
    return {"git_commit": _git_commit(), "versions": versions}


def _git_commit() -> str | None:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        return f"{commit}+changes" if git("status", "--porcelain", "-uno") else commit
    except (OSError, subprocess.CalledProcessError):
        return None
