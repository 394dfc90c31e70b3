"""Other processes of this machine, as tests find them and send them signals."""

import contextlib
from pathlib import Path

import psutil


def signal_tree(pid: int, signum: int) -> None:
    """Send a signal to a process and, before, to all that it started, wandb's own service too."""
    process = psutil.Process(pid)
    for one in [*process.children(recursive=True), process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.send_signal(signum)


def working_in(folder: Path) -> list[psutil.Process]:
    """All whose folder it is."""
    return [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(folder)]
