"""A sweep with one configuration, and real agents that take their time over its run."""

import subprocess
import sys

from tests.wandb_server.server_harness import Client

_AGENT = """
import sys, time, wandb
from wandb.agents import pyagent
pyagent.Agent.HEARTBEAT_SLEEP_SECONDS = 0.5
def train():
    with wandb.init() as run:
        for epoch in range(run.config["epochs"]):
            run.log({"acc": epoch / 1000})
            time.sleep(0.25)
wandb.agent(sys.argv[1], function=train)
"""


def slow_sweep(client: Client, epochs: int) -> str:
    """A sweep's path."""
    return client.create_sweep(
        {
            "program": "train.py",
            "method": "grid",
            "metric": {"name": "acc", "goal": "maximize"},
            "parameters": {"epochs": {"values": [epochs]}},
        }
    )


def slow_agent(client: Client, sweep: str) -> subprocess.Popen[str]:
    """An agent that has started; an epoch takes it a quarter of a second."""
    return client.start(sys.executable, "-c", _AGENT, sweep)
