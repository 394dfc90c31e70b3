"""What a sweep leaves behind: its best configurations, its best model, that model's test report."""

import shutil
from pathlib import Path
from shlex import quote
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from src.config.readers import ignored
from src.shared.atomic import replacing
from src.shared.defaults import PORT
from src.shared.paths import MODELS, ROOT, checkpoint_files
from src.sweeps.definition import SweepDefinition
from src.sweeps.servers import Server
from src.sweeps.sweep import Sweep

TOP = 5


def leaderboard(definition: SweepDefinition, ranked: pd.DataFrame) -> str:
    """The best configurations as text: metric, run, how it ended, what was varied; best first."""
    best = ranked.head(TOP)
    table = pd.DataFrame(
        {
            definition.metric: best["value"].map("{:.4f}".format),
            "run": best["id"],
            "ended": best["state"].where(~best["stopped_early"], "stopped early"),
            **{
                name: [_varied(run, name) for _, run in best.iterrows()]
                for name in definition.varied
            },
        }
    )
    return table.to_string(index=False)


def _varied(run: "pd.Series[Any]", name: str) -> Any:
    """What was varied, or a dash where the run's optimizer or schedule does not read it."""
    schedule = run["lr_schedule"] if pd.notna(run["lr_schedule"]) else None
    return "-" if name in ignored(run["optimizer"], schedule) else run[name]


def keep_model(sweep: Sweep, run_id: str, checkpoints: Path, models: Path = MODELS) -> Path:
    """Copy a run's checkpoint to where it stays.

    Args:
        sweep: The run's sweep.
        run_id: The run.
        checkpoints: Where this machine's agents left theirs.
        models: Where to.

    Returns:
        The copy's stem, ``models/best_model_<run id>``.

    Raises:
        UserError: If the checkpoint is nowhere, or ``models`` cannot take it.
    """
    stem = sweep.model_of(run_id, checkpoints)
    for file in checkpoint_files(stem):
        with replacing(models / file.name) as new:
            shutil.copyfile(file, new)
    return models / stem.name


def look_again(sweep: Sweep, server: Server) -> str:
    """How to open the dashboard later."""
    if not server.started_here:
        return f"Dashboard  {server.link(sweep.url)}"
    page = urlsplit(sweep.url).path
    return f"Dashboard  `make dashboard`, then http://127.0.0.1:{PORT}{page}"


def agent_commands(sweep: Sweep, server: Server) -> str:
    """The lines that start an agent of the sweep in a new terminal."""
    lines = [f"cd {quote(str(ROOT))}"]
    if (ROOT / ".venv").is_dir():
        lines.append("source .venv/bin/activate")
    lines += [f"export {name}={quote(value)}" for name, value in server.environment.items()]
    # One command: in another folder, an agent would fail all the runs that it is given.
    return " &&\n".join([*lines, f"wandb agent {sweep.path}"])
