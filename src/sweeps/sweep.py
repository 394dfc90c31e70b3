"""A sweep at its W&B server: created or found again, and what its runs have given so far."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pandas as pd
import wandb

from src.config.run_config import RunConfig
from src.shared.defaults import PROJECT
from src.shared.errors import UserError
from src.shared.paths import checkpoint_files
from src.sweeps.definition import SweepDefinition
from src.sweeps.states import RunState, SweepState
from src.tracking import wandb_private
from src.tracking.client import server_url
from src.tracking.wandb_private import SERVER_ERRORS

_TIMEOUT_SECONDS = 10


class Sweep:
    """One sweep. Made by :meth:`create` or :meth:`find`.

    Attributes:
        path: The ``entity/project/sweep_id``, as `wandb agent` takes it.
        definition: What was swept.
    """

    def __init__(self, api: wandb.Api, path: str, definition: SweepDefinition) -> None:
        self._api = api
        self.path = path
        self.definition = definition

    @classmethod
    def create(cls, definition: SweepDefinition) -> Self:
        """Register a new sweep.

        Raises:
            UserError: If the server refuses it.
        """
        config = definition.config
        project = _project(config.get("project"))
        entity = os.environ.get("WANDB_ENTITY") or config.get("entity")
        try:
            api = wandb.Api(timeout=_TIMEOUT_SECONDS)
            path = wandb_private.create_sweep(api, config, project, entity)
        except (*SERVER_ERRORS, ValueError) as error:
            raise UserError(f"the W&B server refuses the sweep: {error}") from None
        return cls(api, path, definition)

    @classmethod
    def find(cls, sweep_id: str) -> Self:
        """Find an earlier sweep, by ``entity/project/sweep_id`` or by its id alone.

        Raises:
            UserError: If the server fails, or has no such sweep.
        """
        parts = sweep_id.split("/")
        project = _project(None)
        try:
            api = wandb.Api(timeout=_TIMEOUT_SECONDS)
            path = sweep_id if len(parts) == 3 else f"{api.default_entity}/{project}/{parts[-1]}"
        except (*SERVER_ERRORS, ValueError) as error:
            raise _failed(server_url(), error, sweep_id) from None
        try:
            config = api.sweep(path).config
        except (*SERVER_ERRORS, ValueError):
            raise UserError(
                f"there is no sweep {path} at {api.settings['base_url']}; its id is in what "
                "run_sweep.py printed, and --server must be as it was then"
            ) from None
        return cls(api, path, SweepDefinition(config))

    @property
    def sweep_id(self) -> str:
        """The last part of the path."""
        return self.path.split("/")[-1]

    @property
    def name(self) -> str:
        """What --resume takes: the id, with the project before it if that is not the usual one."""
        return self.sweep_id if self.path.split("/")[1] == PROJECT else self.path

    @property
    def url(self) -> str:
        """The sweep's page on the dashboard."""
        with self._known():
            return str(self._api.sweep(self.path).url)

    def reopen(self, run_cap: int | None) -> None:
        """Let agents go on with the sweep, up to ``run_cap`` runs in all if that is given."""
        if run_cap is not None:
            config = self.definition.config | {"run_cap": run_cap}
            with self._known():
                wandb_private.change_sweep(self._api, self.path, config)
            self.definition = SweepDefinition(config)
        wandb_private.resume_sweep(self._api, self.path)

    def is_over(self) -> bool:
        """Whether its server has ended the sweep."""
        with self._known():
            state = wandb_private.sweep_state(self._api, self.path)
        return SweepState(state).over

    def runs(self) -> pd.DataFrame:
        """One row a run that counts, in order of creation.

        The embedded server marks those that do not, as another one has their configuration.

        Columns: ``id, name, state, stopped_early``, ``value`` (the metric at the best epoch), and
        one for each hyperparameter.
        """
        entity, project, sweep_id = self.path.split("/")
        self._api.flush()
        filters = {"sweep": sweep_id}
        with self._known():
            runs = list(
                self._api.runs(f"{entity}/{project}", filters=filters, per_page=200, lazy=False)
            )
        columns = ["id", "name", "state", "stopped_early", "value", *RunConfig.model_fields]
        counted = [run for run in runs if not run.summary_metrics.get("withdrawn")]
        return pd.DataFrame([self._row(run) for run in counted], columns=columns)

    def ranked(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Those of the runs that have a value, best first; a crashed run's value counts too."""
        table = runs.dropna(subset="value")
        return table.sort_values("value", ascending=not self.definition.maximize, kind="stable")

    def model_of(self, run_id: str, folder: Path) -> Path:
        """The checkpoint of a run, fetched from the server if the run was on another machine.

        Args:
            run_id: The run.
            folder: Where this machine's agents left theirs, and where to put a fetched one.

        Returns:
            The checkpoint's stem.

        Raises:
            UserError: If neither this machine nor the server has it.
        """
        stem = folder / f"best_model_{run_id}"
        if not all(file.exists() for file in checkpoint_files(stem)):
            entity, project, _ = self.path.split("/")
            name = f"{entity}/{project}/{stem.name}:latest"
            try:
                self._api.artifact(name, type="model").download(root=str(folder))
            except (*SERVER_ERRORS, ValueError):
                raise UserError(
                    f"the best run, {run_id}, was on another machine and left no model on the "
                    f"server; find best_model_{run_id} there and give it to src.evaluate"
                ) from None
        return stem

    @contextmanager
    def _known(self) -> Iterator[None]:
        """Say in one line that the sweep is gone: the client has a ValueError, or wraps one."""
        try:
            yield
        except (ValueError, wandb.errors.CommError) as error:
            if not isinstance(getattr(error, "exc", error), ValueError):
                raise
            raise UserError(
                f"the sweep {self.path} is not at its W&B server any more; it or its project has "
                "been deleted there, so start a new one"
            ) from None

    def _row(self, run: Any) -> dict[str, Any]:
        summary, metric = run.summary_metrics, self.definition.metric
        value = summary.get(f"best_{metric}", summary.get(metric))
        hyperparameters = {name: run.config.get(name) for name in RunConfig.model_fields}
        return {
            "id": run.id,
            "name": run.name,
            "state": RunState(run.state),
            "stopped_early": bool(summary.get("stopped_early")),
            "value": pd.to_numeric(value, errors="coerce"),
            **hyperparameters,
        }


@contextmanager
def server_faults(sweep: Sweep, url: str) -> Iterator[None]:
    """Turn what a server fails at into one line, with how to go on with the sweep."""
    try:
        yield
    except SERVER_ERRORS as error:
        raise _failed(url, error, sweep.name) from None


def _failed(url: str, error: Exception, sweep: str) -> UserError:
    reason = " ".join(str(error).split())
    return UserError(
        f"the W&B server at {url} has failed ({reason}); when it is mended, go on with "
        f"python run_sweep.py --resume {sweep}"
    )


def _project(in_file: str | None) -> str:
    """The project that a sweep belongs to: a given WANDB_PROJECT, the file's, or the usual one."""
    given = os.environ.get("WANDB_PROJECT")
    return given if given not in (None, PROJECT) else in_file or PROJECT
