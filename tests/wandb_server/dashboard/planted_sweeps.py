"""Ended sweeps of which it is known what matters, written into a folder of a server's data."""

from pathlib import Path

import yaml

from benchmarks.planted import SPEC, planted
from src.wandb_server.store import Store

SWEEPS = {"nothing": ("none", 20), "rate": ("a range, best inside", 40), "few": ("none", 7)}


def write_planted_sweeps(folder: Path) -> None:
    """A project ``planted`` with the sweeps ``SWEEPS``; every fourth run was stopped early."""
    store = Store(folder / "server.db")
    project = store.projects.ensure("local", "planted")
    with store.transaction():
        for name, (effect, runs) in SWEEPS.items():
            sweep = store.sweeps.create(project.id, yaml.safe_dump(SPEC), name=name)
            for i, (params, result) in enumerate(planted(effect, runs, 0)[1]):
                run = store.runs.create(
                    project.id,
                    f"{name}{i}",
                    state="finished",
                    sweep_id=sweep.id,
                    params=params,
                    config={key: {"value": value} for key, value in params.items()},
                    early_stop={"bracket": 1, "value": result} if i % 4 == 0 else None,
                    should_stop=int(i % 4 == 0),
                )
                store.runs.put_metric_values(run.id, [(0, result - 1), (1, result)])
