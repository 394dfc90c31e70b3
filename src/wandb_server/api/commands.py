"""What agents are told, in the form in which they read it."""

from typing import Any

from src.wandb_server.api.ids import encode_id
from src.wandb_server.scheduling.commands import Command, Exit, Stop


def command_form(command: Command) -> dict[str, Any]:
    """A command as an entry of ``agentHeartbeat.commands``."""
    if isinstance(command, Exit):
        return {"type": "exit"}
    if isinstance(command, Stop):
        return {"type": "stop", "run_id": command.run.name}
    run = command.run
    return {
        "type": "resume" if command.resumed else "run",
        "run_id": run.name,
        "run_storage_id": encode_id("Run", run.id),
        "program": command.program,
        # Not its config, to which a program that is resumed has added things of its own.
        "args": {name: {"value": value} for name, value in (run.params or {}).items()},
        "logs": [],
    }
