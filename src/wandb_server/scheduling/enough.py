"""When a sweep has enough runs: as many as it may have, or one that is as good as was wanted."""

from collections.abc import Sequence

from src.sweep_language.grammar import SweepSpec
from src.wandb_server.scheduling.benching import spoiled
from src.wandb_server.scheduling.retries import used_of_cap
from src.wandb_server.scheduling.trials import sweep_best
from src.wandb_server.store import Store
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep


def cap_reached(store: Store, sweep: Sweep, spec: SweepSpec, runs: Sequence[Run]) -> bool:
    """Whether agents have been given as many runs as the sweep may have."""
    if spec.run_cap is None:
        return False
    nothing = spoiled(store, sweep, spec.metric_name, runs)
    return used_of_cap(runs, nothing, retries=spec.engine is None) >= spec.run_cap


def used_up(store: Store, sweep: Sweep, spec: SweepSpec) -> bool:
    """Whether as many runs as the sweep may have are over."""
    runs = store.runs.of_sweep(sweep.id)
    going_on = any(run.active and not (spec.engine and run.queued) for run in runs)
    return not going_on and cap_reached(store, sweep, spec, runs)


def target_reached(store: Store, sweep: Sweep, spec: SweepSpec) -> bool:
    """Whether a run is as good as was wanted: no more are started, those under way may end."""
    best = None if spec.target is None else sweep_best(store, sweep)
    if spec.target is None or best is None:
        return False
    return spec.goal.sign * best <= spec.goal.sign * spec.target
