"""The models of the list of projects, of a project's page and of the comparison of runs."""

from typing import Any

from starlette.datastructures import QueryParams

from src.wandb_server.context import Server
from src.wandb_server.dashboard import charts, words
from src.wandb_server.dashboard.addresses import report_url, run_url
from src.wandb_server.dashboard.damage import read_or
from src.wandb_server.dashboard.histories import config_of, curves_of, summary_of
from src.wandb_server.dashboard.listing import DEFAULT_SELECTED, Query, selected_names, table
from src.wandb_server.dashboard.ranking import (
    Ranges,
    best_row,
    metrics_of,
    project_rows,
    spec_or_none,
    state_counts,
    sweep_rows,
)
from src.wandb_server.errors import RequestError
from src.wandb_server.scheduling.sweep_config import UNREADABLE, stored_spec
from src.wandb_server.states import SweepState
from src.wandb_server.store.projects import Project
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep

MAX_CHARTS = 24
MAX_COMPARED = 6


def index(server: Server) -> dict[str, Any]:
    """The list of projects."""
    rows = []
    for project in server.store.projects.all():
        runs = server.store.runs.of_project(project.id)
        rows.append(
            {
                "project": project,
                "sweeps": len(server.store.sweeps.of_project(project.id)),
                "last": max((run.heartbeat_at for run in runs), default=project.created_at),
                **state_counts(runs),
            }
        )
    rows.sort(key=lambda row: str(row["last"]), reverse=True)
    return {"title": "Projects", "projects": rows, "live": any(row["active"] for row in rows)}


def project_page(server: Server, project: Project, params: QueryParams) -> dict[str, Any]:
    """A project: its sweeps, its runs, curves of the selected ones."""
    sweeps = server.store.sweeps.of_project(project.id)
    runs = server.store.runs.of_project(project.id)
    metrics = metrics_of(sweeps, runs)
    metric = params.get("metric")
    if metric not in metrics:
        metric = next(iter(metrics), None)
    goal = metrics[metric] if metric else None
    ranges: Ranges = read_or({}, server.store.runs.metric_ranges, project.id)
    rows = project_rows(sweeps, runs, metric, goal, ranges)
    listed = table(rows, Query(params, "created", descending=True))
    selected = listed.query.selected
    if selected is None:
        ranked = sorted(listed.rows, key=lambda row: row.best is None)
        selected = [row.run.name for row in ranked[:DEFAULT_SELECTED]]
    by_name = {run.name: run for run in runs}
    by_sweep: dict[int | None, list[Run]] = {}
    for run in runs:
        by_sweep.setdefault(run.sweep_id, []).append(run)
    on_page = {row.run.name for row in listed.rows}
    chosen = [by_name[name] for name in selected if name in by_name]
    return {
        "title": project.name,
        "project": project,
        "sweeps": [_sweep_line(s, by_sweep.get(s.id, []), ranges) for s in reversed(sweeps)],
        "table": listed,
        "metric": metric,
        "metrics": metrics,
        "goal": goal,
        "best": best_row(rows, goal),
        "selected": [run.name for run in chosen],
        "off_page": [run.name for run in chosen if run.name not in on_page],
        "charts": overlay(server, project, chosen, metric),
        "counts": state_counts(runs),
        "reports": [
            (view, report_url(project, view))
            for view in read_or([], server.store.views.of_project, project.id)
            if view.type == "runs"
        ],
        "live": any(run.active for run in runs)
        or any(s.state in (SweepState.PENDING, SweepState.RUNNING) for s in sweeps),
    }


def _sweep_line(sweep: Sweep, runs: list[Run], ranges: Ranges) -> dict[str, Any]:
    spec = stored_spec(sweep)
    best = best_row(sweep_rows(sweep, runs, ranges), spec.goal)
    return {
        "sweep": sweep,
        "title": words.sweep_title(sweep),
        "spec": spec,
        "method": spec.method if spec is not UNREADABLE else "",
        "best": best,
        **state_counts(runs),
    }


def overlay(
    server: Server, project: Project, runs: list[Run], metric: str | None
) -> list[tuple[str, charts.Figure]]:
    """Charts with a curve of each run."""
    curves = [(run, run_url(project, run), curves_of(server.store, run)) for run in runs]
    return charts.overlaid_charts(curves, metric)[:MAX_CHARTS]


def compare_page(server: Server, project: Project, params: QueryParams) -> dict[str, Any]:
    """Two to six runs side by side: what differs in their configs first."""
    names = (selected_names(params, "runs") or []) + (selected_names(params, "run") or [])
    if not 2 <= len(names) <= MAX_COMPARED:
        raise RequestError(
            f"Select 2 to {MAX_COMPARED} runs to compare them; {words.count(len(names), 'run')} "
            "would be compared now."
        )
    runs = [server.run_in(project, name) for name in names]
    sweeps = server.store.sweeps.of_project(project.id)
    metric = next(iter(metrics_of(sweeps, runs)), None)
    by_id = {sweep.id: sweep for sweep in sweeps}
    specs = [spec_or_none(by_id.get(run.sweep_id or -1)) for run in runs]
    differing, same = _differences([config_of(run) for run in runs])
    results, same_results = _differences([summary_of(run) for run in runs])
    return {
        "title": "Compare " + ", ".join(run.display_name for run in runs),
        "project": project,
        "runs": [
            {"run": run, "colour": charts.run_colour(run), "ended": words.ended(run, spec)}
            for run, spec in zip(runs, specs, strict=True)
        ],
        "differing": differing,
        "same": same,
        "results": results,
        "same_results": same_results,
        "charts": overlay(server, project, runs, metric),
        "live": any(run.active for run in runs),
    }


def _differences(
    sides: list[dict[str, Any]],
) -> tuple[list[tuple[str, list[Any]]], list[tuple[str, Any]]]:
    """The keys whose values differ with the values, and those that all have in common."""
    differing, same = [], []
    for name in sorted({name for values in sides for name in values}):
        values = [side.get(name) for side in sides]
        if all(value == values[0] and type(value) is type(values[0]) for value in values):
            same.append((name, values[0]))
        else:
            differing.append((name, values))
    return differing, same
