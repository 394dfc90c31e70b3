"""The load benchmark, in small: agents that ask without a pause lose and double nothing."""

import subprocess
import sys

import pytest

from src.shared.paths import ROOT


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("client", ["bare", "real"])
def test_agents_in_parallel_lose_and_double_nothing(client: str) -> None:
    command = [sys.executable, "benchmarks/server_load.py", "--client", client]
    result = subprocess.run(
        [*command, "--agents", "4", "--runs", "12"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    row = result.stdout.strip().splitlines()[-1].strip("| ").split(" | ")
    assert row[:4] == [client, "4", "12", "120"]
    assert row[-1] == "0"
