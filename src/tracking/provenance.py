"""What produced a run: the commit of this checkout and the versions of what computed."""

import importlib.metadata
import platform
import subprocess
from typing import Any

from src.shared.paths import ROOT

_PACKAGES = ("tensorflow", "keras", "numpy", "wandb")


def provenance() -> dict[str, Any]:
    """What W&B shows beside a run's hyperparameters.

    Returns:
        The ``git_commit``, None outside a repository, and the ``versions`` by name.
    """
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    versions["python"] = platform.python_version()
    return {"git_commit": _git_commit(), "versions": versions}


def _git_commit() -> str | None:
    """The commit, with ``+changes`` if the checkout is not clean."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        return f"{commit}+changes" if git("status", "--porcelain", "-uno") else commit
    except (OSError, subprocess.CalledProcessError):
        return None
