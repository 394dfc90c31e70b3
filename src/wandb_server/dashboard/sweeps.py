"""The model of a sweep's page."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import yaml
from starlette.datastructures import QueryParams

from src.sweep_language.grammar import Method, SweepSpec
from src.sweep_language.metric import Goal
from src.wandb_server.context import Server
from src.wandb_server.dashboard import sweep_charts
from src.wandb_server.dashboard.damage import read_or
from src.wandb_server.dashboard.forms import SWEEP_BUTTONS
from src.wandb_server.dashboard.importance import did_better, sweep_findings
from src.wandb_server.dashboard.listing import Query, table
from src.wandb_server.dashboard.ranking import best_row, ranges_of, state_counts, sweep_rows
from src.wandb_server.dashboard.words import lost_parts, sweep_title
from src.wandb_server.documents import flat
from src.wandb_server.importance.evidence import MOST_RUNS
from src.wandb_server.importance.findings import MIN_RUNS
from src.wandb_server.scheduling.benching import MAX_IN_A_ROW, agent_state
from src.wandb_server.scheduling.sweep_config import UNREADABLE, stored_spec
from src.wandb_server.search.early_termination import stopped_in_hindsight
from src.wandb_server.states import SweepState
from src.wandb_server.store.projects import Project
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep

_METHODS = {
    Method.BAYES: "Bayesian search",
    Method.RANDOM: "Random search",
    Method.GRID: "Grid search",
    Method.CUSTOM: "Search by its scheduler",
}


def sweep_page(
    server: Server, project: Project, sweep: Sweep, params: QueryParams
) -> dict[str, Any]:
    """A sweep: how it stands, what mattered, how its runs went, who works on it."""
    spec = stored_spec(sweep)
    runs = server.store.runs.of_sweep(sweep.id)
    histories = read_or({}, server.store.runs.metric_histories, sweep.id)
    rows = sweep_rows(sweep, runs, ranges_of(histories))
    reached = sweep_charts.reached_brackets(spec, histories)
    best = best_row(rows, spec.goal)
    varied = _varied(runs)
    return {
        "title": sweep_title(sweep),
        "lost": lost_parts(sweep),
        "project": project,
        "sweep": sweep,
        "spec": spec,
        "method": _METHODS[spec.method] if spec is not UNREADABLE else None,
        "counts": state_counts(runs),
        "best": best,
        "best_params": [(n, best.config[n]) for n in varied if n in best.config] if best else [],
        "findings": sweep_findings(rows, spec),
        "did_better": did_better,
        "min_runs": MIN_RUNS,
        "most_runs": MOST_RUNS,
        "brackets": reached,
        "more_if_strict": _more_if_strict(spec, runs, histories),
        "drawn": min(len(histories), sweep_charts.MAX_CURVES),
        "with_history": len(histories),
        "charts": sweep_charts.charts_of(project, sweep, spec, rows, histories, reached, varied),
        "table": table(rows, Query(params, "best", descending=spec.goal is Goal.MAXIMIZE)),
        "benched_after": MAX_IN_A_ROW,
        "agents": _agents(server, sweep, runs),
        "buttons": [name for name, (_, states) in SWEEP_BUTTONS.items() if sweep.state in states],
        "config": _yaml(sweep.config) if spec is not UNREADABLE else sweep.config,
        "seconds": _seconds(sweep, runs),
        "live": any(run.active for run in runs)
        or sweep.state in (SweepState.RUNNING, SweepState.PENDING),
    }


def _varied(runs: list[Run]) -> list[str]:
    """The parameters that take more than one value."""
    values: dict[str, set[str]] = {}
    for run in runs:
        for name, value in flat(run.params or {}):
            values.setdefault(name, set()).add(str(value))
    return sorted(name for name, seen in values.items() if len(seen) > 1)


def _more_if_strict(spec: SweepSpec, runs: list[Run], histories: Mapping[int, list[float]]) -> int:
    """How many more runs ``strict`` would have stopped, as far as the logged values tell."""
    settings = spec.early_terminate
    if settings is None or settings.strict:
        return 0
    strictly, usually = (
        stopped_in_hindsight(replace(settings, strict=strict), spec.goal, histories)
        for strict in (True, False)
    )
    stopped = {run.id for run in runs if run.stopped_early}
    return len(strictly - usually - stopped)


def _agents(server: Server, sweep: Sweep, runs: list[Run]) -> list[dict[str, Any]]:
    agents = []
    for agent in read_or([], server.store.sweeps.agents, sweep.id):
        own = [run for run in runs if run.agent_id == agent.id]
        agents.append(
            {
                "agent": agent,
                "state": agent_state(agent, server.liveness),
                "working_on": [run for run in own if run.active],
                "ended": sum(not run.active for run in own),
            }
        )
    return agents[::-1]


@lru_cache(maxsize=64)  # an open page asks for it every few seconds
def _yaml(text: str) -> str:
    return yaml.safe_dump(yaml.safe_load(text), sort_keys=False, allow_unicode=True)


def _seconds(sweep: Sweep, runs: list[Run]) -> float | None:
    if not runs:
        return None
    last = max(datetime.fromisoformat(run.heartbeat_at) for run in runs)
    return max(0.0, (last - datetime.fromisoformat(sweep.created_at)).total_seconds())
