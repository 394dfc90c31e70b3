"""The embedded server while another process holds thousands of half-sent requests.

Measured is how long the owner's requests take, each on a connection of its own, on the quiet
server and beside them, in one run.

    python -m benchmarks.idle_connections --connections 5000
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import requests

from benchmarks.hoarder import hoarded
from src.shared.live_server import AnnouncedServer, live_server
from src.shared.paths import ROOT

REQUESTS = 300
START_SECONDS = 60
QUERY = {"query": "query { viewer { username } }"}


def latencies(server: AnnouncedServer) -> list[float]:
    """The milliseconds that each of the owner's requests takes."""
    found = []
    for _ in range(REQUESTS):
        begin = time.perf_counter()
        address, auth = f"{server.url}/graphql", ("api", server.key)
        reply = requests.post(address, json=QUERY, auth=auth, timeout=60)
        reply.raise_for_status()
        found.append(1000 * (time.perf_counter() - begin))
    return found


def started(data: Path) -> tuple[subprocess.Popen[bytes], AnnouncedServer]:
    """A server of its own.

    Raises:
        RuntimeError: If it does not start.
    """
    command = [sys.executable, "-m", "src.wandb_server", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    for _ in range(10 * START_SECONDS):
        if server := live_server(data):
            return process, server
        time.sleep(0.1)
    raise RuntimeError("the server does not start")


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=5000)
    count: int = parser.parse_args().connections
    with tempfile.TemporaryDirectory() as folder:
        process, server = started(Path(folder))
        try:
            quiet = latencies(server)
            with hoarded(server.port, count):
                begin = time.perf_counter()
                beside = latencies(server)
                seconds = time.perf_counter() - begin
                held = len(psutil.Process(process.pid).net_connections()) - 1
        finally:
            process.terminate()
            process.wait()
    whose = "another user" if os.geteuid() == 0 else "this user"
    print(f"{count} half-sent requests of {whose}; the server keeps {held} of them open")
    print("| milliseconds a request | median | 99 % | slowest |\n|---|--:|--:|--:|")
    rows = {"quiet": quiet, f"beside {count}": beside}
    for name, found in rows.items():
        print(f"| {name} | {np.median(found):.1f} | {np.quantile(found, 0.99):.1f} |", end="")
        print(f" {max(found):.1f} |")
    ratio = np.median(beside) / np.median(quiet)
    print(f"ratio of medians {ratio:.2f}; {REQUESTS} requests beside them in {seconds:.1f} s")


if __name__ == "__main__":
    main()
