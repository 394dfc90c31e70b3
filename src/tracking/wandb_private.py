"""The private parts of ``wandb`` that are used: all of them, each with the reason.

Everything else keeps to what ``wandb`` documents. A test of this module fails when a supported
client has moved a part; then this is the one place to mend.
"""

import os
import queue
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any

import wandb

# `import wandb` has imported these anyway. Its public API is imported below, where it is needed: it
# takes a third of a second, which a training run need not wait for.
from wandb.agents import pyagent
from wandb.sdk.lib.service.service_connection import WandbApiFailedError
from wandb.sdk.lib.wbauth import read_netrc_auth
from wandb.sdk.sweeps import SweepNotFoundError

# What the client raises when its server refuses something or is away: its public API lets the
# second through, which no public class is a base of.
SERVER_ERRORS = (wandb.errors.Error, WandbApiFailedError)


def read_settings() -> wandb.Settings:
    """The client's settings, from its files and the environment.

    ``wandb.setup().settings`` are the same, but fixed for the life of the process once somebody has
    looked at them; here they are looked at before it is known which server it will be.
    """
    settings = wandb.Settings()
    settings.update_from_system_settings()
    settings.update_from_env_vars(dict(os.environ))
    return settings


def key_in_netrc(server: str) -> str | None:
    """The API key for a server that `wandb login` has left in ~/.netrc.

    ``wandb.login(prompt=False)`` finds it, too, but fixes the settings as above.
    """
    key: str | None = read_netrc_auth(host=server)
    return key


def create_sweep(api: wandb.Api, config: dict[str, Any], project: str, entity: str | None) -> str:
    """Register a new sweep.

    ``wandb.sweep()`` does the same, but prints and does not say which entity it chose.

    Returns:
        The path ``entity/project/sweep_id``.
    """
    from wandb.apis.public.sweeps import _upsert_sweep

    sweep, _ = _upsert_sweep(api, config, project=project, entity=entity)
    project_node = sweep["project"]
    return f"{project_node['entity']['name']}/{project_node['name']}/{sweep['name']}"


def change_sweep(api: wandb.Api, path: str, config: dict[str, Any]) -> None:
    """Give a sweep another configuration; only `wandb sweep --update` does, for files."""
    from wandb.apis.public.sweeps import _upsert_sweep

    entity, project, _ = path.split("/")
    # The server's own id of it, which is not the one in the path.
    node_id = api.sweep(path)._attrs["id"]
    _upsert_sweep(api, config, obj_id=node_id, project=project, entity=entity)


def resume_sweep(api: wandb.Api, path: str) -> None:
    """Let agents go on with a sweep; only `wandb sweep --resume` does, in a process of its own."""
    from wandb.apis.public.sweeps import _set_sweep_state

    entity, project, sweep_id = path.split("/")
    _set_sweep_state(api, sweep_id, "RUNNING", entity=entity, project=project)


def sweep_state(api: wandb.Api, path: str) -> str:
    """How a sweep stands now, as "FINISHED", say; ``Api.sweep`` keeps what it has read once."""
    sweep = api.sweep(path)
    sweep.load(force=True)
    return str(sweep.state).upper()


class InProcessAgent(pyagent.Agent, ABC):  # type: ignore[misc]
    """The agent of ``wandb.agent(function=...)`` but for how it stops a run, and when it gives up.

    wandb's raises an exception somewhere in the run's thread, which may lose what the run has; this
    one asks. wandb's gives up when some of its first runs have failed, however many it has done
    well; this one after a number of failures in a row.

    Args:
        sweep_path: The sweep, as ``entity/project/sweep_id``.
        poll_seconds: How often to ask the server for commands.
        max_failures: After how many failed runs in a row it gives up.
        tells_epochs: Whether to tell the server of each epoch at once, and to hear at once if the
            run is to stop for it. W&B's own server would not understand.
    """

    def __init__(
        self, sweep_path: str, poll_seconds: float, max_failures: int, *, tells_epochs: bool
    ) -> None:
        super().__init__(sweep_path, function=self.train)
        self.HEARTBEAT_SLEEP_SECONDS = poll_seconds
        self._max_failures = max_failures
        self._tells_epochs = tells_epochs
        self._run_id = ""
        self._epochs: queue.SimpleQueue[tuple[str, int, dict[str, float]]] = queue.SimpleQueue()

    @abstractmethod
    def prepare(self, parameters: dict[str, Any]) -> None:
        """A run is about to begin in this thread, with these values of the sweep's parameters."""

    @abstractmethod
    def train(self) -> None:
        """The run."""

    @abstractmethod
    def stop_training(self) -> None:
        """The run is to end; called in another thread than the run's."""

    @property
    def given_up(self) -> bool:
        """Whether its runs kept failing."""
        return bool(self._consecutive_failed_runs >= self._max_failures)

    def run(self) -> None:
        """Work until the sweep has no more runs for this agent."""
        if self._tells_epochs:
            threading.Thread(target=self._tell_epochs, daemon=True).start()
        super().run()

    def epoch_logged(self, position: int, values: dict[str, float]) -> None:
        """The run has logged a point, counted from 0; called in its thread, which does not wait."""
        if self._tells_epochs:
            self._epochs.put((self._run_id, position, values))

    def _tell_epochs(self) -> None:
        while True:
            epoch = self._epochs.get()
            # This and the agent's own heartbeats raise what they may while the server is away; the
            # client uploads the epoch in any case, and an order to stop is given again.
            with suppress(*SERVER_ERRORS, SweepNotFoundError):
                self._tell(*epoch)

    def _tell(self, run_id: str, position: int, values: dict[str, float]) -> None:
        """A heartbeat that carries an epoch. One with a run is not answered with a new run."""
        from wandb.apis.public.sweeps import _agent_heartbeat

        with self._api_lock:
            if self._run_status.get(run_id) != pyagent.RunStatus.RUNNING:
                return
            metrics = {run_id: {"position": position, "values": values}}
            commands = _agent_heartbeat(self._api, self._agent_id, metrics, {run_id: True})
        for command in commands:
            if command["type"] == "stop":
                self._stop_run(command["run_id"])

    def _run_job(self, job: pyagent.Job) -> None:
        self._run_id = job.run_id
        self.prepare({name: item["value"] for name, item in job.config.items()})
        super()._run_job(job)

    def _stop_run(self, run_id: str) -> None:
        under_way = (pyagent.RunStatus.QUEUED, pyagent.RunStatus.RUNNING)
        if self._run_status.get(run_id) in under_way:  # an answer may come when the next run is
            self._run_status[run_id] = pyagent.RunStatus.STOPPED
            self.stop_training()

    def _handle_errored_run(self, run_id: str, count: int) -> bool:
        self._consecutive_failed_runs += 1
        return self.given_up
