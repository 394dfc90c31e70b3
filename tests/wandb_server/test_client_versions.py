"""The oldest and the newest supported wandb, each in a fresh environment of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from src.wandb_server.resolvers.viewer import NEWEST_CLIENT, OLDEST_CLIENT
from tests.wandb_server.server_harness import Client, ServerProcess

_SCRIPT = Path(__file__).with_name("client_acceptance.py")


@pytest.mark.slow
@pytest.mark.parametrize("version", [OLDEST_CLIENT, NEWEST_CLIENT])
def test_a_supported_client_does_all_of_a_sweep_workflow(
    server: ServerProcess, client: Client, tmp_path: Path, version: str
) -> None:
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    programs = folder / "bin"
    subprocess.run(
        [programs / "pip", "install", "--quiet", f"wandb=={version}", "numpy", "pillow"], check=True
    )
    client.environment["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    output = client.run(str(programs / "python"), str(_SCRIPT))
    assert f"accepted {version}" in output
    assert server.missing_fields() == []
