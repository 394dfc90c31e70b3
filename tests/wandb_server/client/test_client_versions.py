"""The oldest and the newest supported wandb, each in a fresh environment of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from src.wandb_server.api.resolvers.viewer import NEWEST_CLIENT, OLDEST_CLIENT
from tests.wandb_server.server_harness import Client, ServerProcess

_SCRIPT = Path(__file__).with_name("client_acceptance.py")


@pytest.mark.slow
def test_the_oldest_and_the_newest_client_do_all_of_a_sweep_workflow(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    def accept(version: str) -> str:
        folder = tmp_path / version
        folder.mkdir()
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        programs = folder / "venv" / "bin"
        packages = (f"wandb=={version}", "numpy", "pillow")
        subprocess.run([programs / "pip", "install", "--quiet", *packages], check=True)
        client = Client(start_server(data=folder / "data"), folder / "client")
        client.environment["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
        return client.run(str(programs / "python"), str(_SCRIPT))

    versions = (OLDEST_CLIENT, NEWEST_CLIENT)
    with ThreadPoolExecutor() as pool:  # installing is mostly waiting
        for version, output in zip(versions, pool.map(accept, versions), strict=True):
            assert f"accepted {version}" in output
