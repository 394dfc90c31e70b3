"""The embedded server under load: 16 agents share a Bayesian sweep of 200 short runs.

Twice: with the real client (each agent a process with `wandb.agent(function=...)`), and with bare
requests that wait for nothing but the server, which no client manages to send so fast. Measured is
how long an agent waits for its next run (the reply to `agentHeartbeat`) and for each upload of
points; afterwards all runs are read back, to see that nothing was lost or came twice.

    python benchmarks/server_load.py --agents 16 --runs 200
"""

import argparse
import json
import multiprocessing
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import requests
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from src.shared.defaults import PROJECT
from src.sweeps.server_choice import ServerChoice
from src.sweeps.servers import open_server

POINTS = 10
SWEEP: dict[str, Any] = {
    "program": "train.py",
    "method": "bayes",
    "metric": {"name": "acc", "goal": "maximize"},
    "parameters": {
        **{name: {"min": 0.0, "max": 1.0} for name in ("a", "b", "c", "d")},
        "optimizer": {"values": ["sgd", "adam", "nadam"]},
        "units": {"min": 16, "max": 512},
    },
}
# One agent of the real client. Its calls are timed from outside; it is the client as it is.
AGENT = f"""
import json, os, sys, time
import wandb
from wandb.apis.public import sweeps
ask = sweeps._agent_heartbeat
def timed(*arguments):
    begin = time.perf_counter()
    commands = ask(*arguments)
    if commands and commands[0]["type"] == "run":
        with open(sys.argv[2], "a") as file:
            print(time.perf_counter() - begin, file=file)
    return commands
sweeps._agent_heartbeat = timed
def train():
    with wandb.init() as run:
        for step in range({POINTS}):
            run.log({{"acc": run.config["a"] * step, "step": step}})
            time.sleep(0.05)
wandb.agent(sys.argv[1], function=train)
"""


class Bare:
    """The requests that a client makes, and nothing else."""

    def __init__(self) -> None:
        self._url = os.environ["WANDB_BASE_URL"]
        self._session = requests.Session()
        self._session.auth = ("api", os.environ["WANDB_API_KEY"])
        self.suggestions: list[float] = []
        self.uploads: list[float] = []

    def post(self, path: str, body: Any) -> Any:
        """Send a request; returns the decoded reply."""
        reply = self._session.post(self._url + path, json=body, timeout=60)
        reply.raise_for_status()
        return reply.json()

    def mutate(self, field: str, selection: str, **values: Any) -> Any:
        """Carry out one mutation; returns its payload."""
        query = f"mutation($input: Any) {{ {field}(input: $input) {{ {selection} }} }}"
        return self.post("/graphql", {"query": query, "variables": {"input": values}})["data"][
            field
        ]

    def train(self, command: dict[str, Any], sweep: str) -> None:
        """Be a run, from its start to its end."""
        name, x = command["run_id"], command["args"]["a"]["value"]
        self.mutate("upsertBucket", "bucket { id }", name=name, sweep=sweep)
        for step in range(POINTS):
            line = json.dumps({"acc": x * step, "step": step, "_step": step})
            body: dict[str, Any] = {
                "files": {"wandb-history.jsonl": {"offset": step, "content": [line]}}
            }
            if step == POINTS - 1:
                body["files"]["wandb-summary.json"] = {"offset": 0, "content": [line]}
                body |= {"complete": True, "exitcode": 0}
            begin = time.perf_counter()
            self.post(f"/files/local/gradsweep/{name}/file_stream", body)
            self.uploads.append(time.perf_counter() - begin)


def bare_agent(sweep: str) -> tuple[list[float], list[float]]:
    """Work on a sweep without a pause; returns the seconds that suggestions and uploads took."""
    bare = Bare()
    values = {"sweep": sweep, "projectName": PROJECT, "host": "h"}
    agent = bare.mutate("createAgent", "agent { id }", **values)["agent"]["id"]
    while True:
        begin = time.perf_counter()
        reply = bare.mutate("agentHeartbeat", "commands", id=agent, runState="{}")
        seconds = time.perf_counter() - begin
        for command in json.loads(reply["commands"]):
            if command["type"] == "exit":
                return bare.suggestions, bare.uploads
            bare.suggestions.append(seconds)
            bare.train(command, sweep)
        if reply["commands"] == "[]":
            time.sleep(0.5)


def run_bare(sweep: str, agents: int) -> tuple[list[float], list[float]]:
    """A process for each agent."""
    with multiprocessing.get_context("spawn").Pool(agents) as pool:
        results = pool.map(bare_agent, [sweep] * agents, chunksize=1)
    return [s for found, _ in results for s in found], [u for _, found in results for u in found]


def run_real(sweep: str, agents: int, folder: Path) -> tuple[list[float], list[float]]:
    """A process of the real client for each agent."""

    def work(number: int) -> list[float]:
        times = folder / f"times-{number}"
        environment = os.environ | {"WANDB_DIR": str(folder), "WANDB_SILENT": "true"}
        command = [sys.executable, "-c", AGENT, f"local/gradsweep/{sweep}", str(times)]
        with (folder / f"log-{number}").open("w") as log:
            subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=log, check=True)
        return [float(line) for line in times.read_text().split()] if times.exists() else []

    with ThreadPoolExecutor(agents) as pool:
        results = list(pool.map(work, range(agents)))
    return [seconds for found in results for seconds in found], []


def faults(sweep: str, runs: int) -> list[str]:
    """What was lost, or came twice."""
    query = (
        'query($s: String) { project(name: "gradsweep") { sweep(sweepName: $s) { state'
        " runs(first: 10000) { edges { node { name state config summaryMetrics history } } } } } }"
    )
    reply = Bare().post("/graphql", {"query": query, "variables": {"s": sweep}})["data"]
    found = reply["project"]["sweep"]
    nodes = [edge["node"] for edge in found["runs"]["edges"]]
    wrong = [] if len(nodes) == runs else [f"{len(nodes)} runs instead of {runs}"]
    if found["state"] != "FINISHED":
        wrong.append(f"the sweep is {found['state']}")
    names = list(SWEEP["parameters"])
    seen = set()
    for node in nodes:
        config = json.loads(node["config"])
        seen.add(json.dumps([config[name]["value"] for name in names]))
        expected = [config["a"]["value"] * step for step in range(POINTS)]
        if [json.loads(line)["acc"] for line in node["history"]] != expected:
            wrong.append(f"run {node['name']}: other points than it logged")
        if json.loads(node["summaryMetrics"]).get("acc") != expected[-1]:
            wrong.append(f"run {node['name']}: not its last summary")
        if node["state"] != "finished":
            wrong.append(f"run {node['name']} is {node['state']}")
    if len(seen) != len(nodes):
        wrong.append("a configuration was run twice")
    return wrong


def milliseconds(values: list[float]) -> str:
    if not values:
        return "– | – | –"
    return " | ".join(f"{1e3 * q:.0f}" for q in (*np.percentile(values, [50, 95]), max(values)))


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=16)
    parser.add_argument("--runs", type=int, default=200, help="of each sweep")
    parser.add_argument("--client", choices=("both", "real", "bare"), default="both")
    given = parser.parse_args()
    kinds = ("real", "bare") if given.client == "both" else (given.client,)
    rows, wrong = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_server(ServerChoice.LOCAL, folder / "data"):
            for kind in tqdm(kinds, desc="sweeps"):
                config = json.dumps(SWEEP | {"run_cap": given.runs})
                sweep = Bare().mutate(
                    "upsertSweep", "sweep { name }", config=config, projectName=PROJECT
                )["sweep"]
                begin = time.perf_counter()
                if kind == "real":
                    suggestions, uploads = run_real(sweep["name"], given.agents, folder)
                else:
                    suggestions, uploads = run_bare(sweep["name"], given.agents)
                seconds = time.perf_counter() - begin
                found = faults(sweep["name"], given.runs)
                wrong += found
                rows.append(
                    f"| {kind} | {given.agents} | {given.runs} | {given.runs * POINTS} | "
                    f"{seconds:.0f} | {milliseconds(suggestions)} | {milliseconds(uploads)} | "
                    f"{len(found)} |"
                )
    print(f"\nMachine: {machine()}; clients and server share it.\n")
    print(
        "| client | agents | runs | points | seconds | suggestion ms: median | p95 | max |"
        " upload ms: median | p95 | max | lost or doubled |"
    )
    print("| --- |" + " ---: |" * 11)
    print("\n".join(rows))
    print("\n".join(wrong[:10]), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
