"""A real store with a scheduler, and a clock that tests move."""

import json
from pathlib import Path
from typing import Any

import yaml

from src.wandb_server.api import file_stream
from src.wandb_server.api.commands import command_form
from src.wandb_server.api.graphql import MissingFields, execute
from src.wandb_server.api.ids import encode_id
from src.wandb_server.api.resolvers import roots
from src.wandb_server.context import Server
from src.wandb_server.scheduling.liveness import Liveness
from src.wandb_server.scheduling.running_clock import RunningClock
from src.wandb_server.scheduling.scheduler import Scheduler
from src.wandb_server.store import Store
from src.wandb_server.store.blobs import BlobStorage
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep

CRASH_AFTER = 30.0
TICK = 1.0

EXIT = [{"type": "exit"}]


class World:
    """A store with one sweep, and its scheduler."""

    def __init__(self, folder: Path) -> None:
        self.time = 1000.0  # any: only differences count
        self.folder = folder
        self.open()
        self.project = self.store.projects.ensure("local", "p")

    def open(self) -> None:
        """As a server does when it starts: only the store is still there."""
        self.store = Store(self.folder / "server.db")
        self.liveness = Liveness(RunningClock(TICK, lambda: self.time), CRASH_AFTER)
        self.scheduler = Scheduler(self.store, self.liveness)
        blobs = BlobStorage(self.folder / "files", "key")
        self.server = Server(self.store, blobs, self.liveness, self.scheduler)

    def wait(self, seconds: float) -> None:
        """Time passes, and the server is at work."""
        end = self.time + seconds
        while self.time < end:
            self.time = min(self.time + TICK, end)
            self.liveness.clock.tick()

    def freeze(self, seconds: float) -> None:
        """Time passes, and the server stands still."""
        self.time += seconds

    def mutate(self, field: str, returned: str = "__typename", **given: Any) -> Any:
        """What a mutation returns."""
        query = f"mutation($input: Any) {{ {field}(input: $input) {{ {returned} }} }}"
        missing = MissingFields(self.folder / "missing.jsonl")
        body = {"query": query, "variables": {"input": given}}
        return execute(body, roots(self.server), missing, self.store.transaction)[field]

    def sweep(self, **changes: Any) -> Sweep:
        config = {
            "program": "train.py",
            "method": "random",
            "metric": {"name": "acc", "goal": "maximize"},
            "parameters": {"x": {"min": 0.0, "max": 1.0}},
        } | changes
        return self.store.sweeps.create(self.project.id, yaml.safe_dump(config))

    def agent(self, sweep: Sweep) -> int:
        agent = self.store.sweeps.add_agent(sweep.id, "host")
        self.liveness.agent_spoke(agent.id)
        return agent.id

    def beat(self, agent: int, *reported: str) -> list[dict[str, Any]]:
        with self.store.transaction():
            return [command_form(c) for c in self.scheduler.heartbeat(agent, set(reported))]

    def tell(self, agent: int, reported: str, epochs: Any) -> Any:
        """What an agent is answered whose heartbeat carries epochs of its runs."""
        given = {"id": encode_id("Agent", agent), "metrics": json.dumps(epochs)}
        given["runState"] = json.dumps({reported: True})
        return json.loads(self.mutate("agentHeartbeat", "commands", **given)["commands"])

    def take(self, agent: int) -> str:
        """The name of the run that the agent is told to start."""
        (command,) = self.beat(agent)
        assert command["type"] == "run", command
        return str(command["run_id"])

    def run(self, name: str) -> Run:
        run = self.store.runs.find(self.project.id, name)
        assert run is not None
        return run

    def speak(self, name: str, *values: Any, **body: Any) -> dict[str, Any]:
        """A request of the run's stream with values of its metric."""
        run = self.run(name)
        offset = self.store.runs.line_count(run.id, "history")
        lines = [json.dumps({"_step": offset + i, "acc": v}) for i, v in enumerate(values)]
        files = {"wandb-history.jsonl": {"offset": offset, "content": lines}} if lines else {}
        return self.send(name, {"files": files} | body)

    def send(self, name: str, body: Any) -> dict[str, Any]:
        """A request of the run's stream."""
        with self.store.transaction():
            return file_stream.receive(self.server, self.run(name), body)

    def finish(self, name: str, exitcode: int = 0) -> None:
        self.speak(name, complete=True, exitcode=exitcode)

    def state(self, sweep: Sweep) -> str:
        found = self.store.sweeps.get(sweep.id)
        assert found is not None
        return found.state
