"""Plain pages that list projects, sweeps and runs, at the addresses that the client prints."""

import json
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from src.wandb_server.context import Server
from src.wandb_server.errors import NotFoundError
from src.wandb_server.metric import best_value
from src.wandb_server.resolvers.sweeps import agent_state
from src.wandb_server.scheduler import sweep_spec
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Project, Sweep

LOG_LINES = 200

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def format_value(value: Any) -> str:
    """A value of a config or summary, short enough for a table's cell."""
    if isinstance(value, float):
        return f"{value:.5g}"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 200 else text[:199] + "…"


_templates.filters["value"] = format_value


def routes(server: Server) -> list[Route]:
    """The pages."""
    pages = _Pages(server)
    return [
        Route("/", pages.index),
        Route("/{entity}/{project}", pages.project),
        Route("/{entity}/{project}/runs/{run}", pages.run),
        Route("/{entity}/{project}/sweeps/{sweep}", pages.sweep),
    ]


class _Pages:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._store = server.store

    async def _page(self, template: str, context: dict[str, Any]) -> HTMLResponse:
        text = await run_in_threadpool(_templates.get_template(template).render, context)
        policy = (
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        )
        return HTMLResponse(text, headers={"Content-Security-Policy": policy})

    async def index(self, request: Request) -> HTMLResponse:
        projects = [
            {
                "project": project,
                "sweeps": len(self._store.sweeps.of_project(project.id)),
                "runs": len(self._store.runs.of_project(project.id)),
            }
            for project in self._store.projects.all()
        ]
        return await self._page("index.html", {"title": "Projects", "projects": projects})

    async def project(self, request: Request) -> HTMLResponse:
        return await self._page("project.html", await run_in_threadpool(self._project, request))

    def _project(self, request: Request) -> dict[str, Any]:
        project = self._project_of(request)
        sweeps = [self._sweep_row(sweep) for sweep in self._store.sweeps.of_project(project.id)]
        runs = self._store.runs.of_project(project.id)
        return {
            "title": project.name,
            "project": project,
            "sweeps": sweeps[::-1],
            "runs": [self._run_row(run) for run in runs[::-1]],
        }

    async def run(self, request: Request) -> HTMLResponse:
        return await self._page("run.html", await run_in_threadpool(self._run, request))

    def _run(self, request: Request) -> dict[str, Any]:
        project = self._project_of(request)
        run = self._server.run_at(project.entity, project.name, request.path_params["run"])
        sweep = self._store.sweeps.get(run.sweep_id) if run.sweep_id is not None else None
        retry_of = self._store.runs.get(run.retry_of) if run.retry_of is not None else None
        history = [json.loads(line) for line in self._store.runs.lines(run.id, "history")]
        columns = sorted({k for row in history for k in row if not k.startswith("_")})
        return {
            "title": run.display_name,
            "project": project,
            "run": run,
            "sweep": sweep,
            "retry_of": retry_of,
            "config": _config(run),
            "summary": {k: v for k, v in run.summary.items() if not k.startswith("_")},
            "columns": columns,
            "history": history[-LOG_LINES:],
            "log": self._store.runs.lines(run.id, "log")[-LOG_LINES:],
            "files": [f for f in self._store.files.run_files(run.id) if f.size is not None],
        }

    async def sweep(self, request: Request) -> HTMLResponse:
        return await self._page("sweep.html", await run_in_threadpool(self._sweep, request))

    def _sweep(self, request: Request) -> dict[str, Any]:
        project = self._project_of(request)
        sweep = self._store.sweeps.find(project.id, request.path_params["sweep"])
        if sweep is None:
            raise NotFoundError("no such sweep")
        spec = sweep_spec(sweep.config)
        values = self._store.runs.metric_histories(sweep.id)
        rows = [
            self._run_row(run)
            | {
                "value": best_value(values.get(run.id, []), spec.goal),
                "points": len(values.get(run.id, [])),
            }
            for run in self._store.runs.of_sweep(sweep.id)
        ]
        sign = -1 if spec.goal == "maximize" else 1
        rows.sort(key=lambda row: (row["value"] is None, sign * (row["value"] or 0)))
        return {
            "title": sweep.display_name or sweep.name,
            "project": project,
            "sweep": self._sweep_row(sweep),
            "rows": rows,
            "params": sorted({name for row in rows for name in row["run"].params or {}}),
            "agents": [
                {"agent": agent, "state": agent_state(self._server, agent)}
                for agent in self._store.sweeps.agents(sweep.id)
            ],
            "config": yaml.safe_dump(yaml.safe_load(sweep.config), sort_keys=False),
        }

    def _sweep_row(self, sweep: Sweep) -> dict[str, Any]:
        runs = self._store.runs.of_sweep(sweep.id)
        return {
            "sweep": sweep,
            "spec": sweep_spec(sweep.config),
            "runs": len(runs),
            "active": sum(run.active for run in runs),
            "stopped": sum(run.early_stop is not None for run in runs),
            "best": self._server.scheduler.best_value(sweep),
        }

    @staticmethod
    def _run_row(run: Run) -> dict[str, Any]:
        return {"run": run, "config": _config(run)}

    def _project_of(self, request: Request) -> Project:
        at = request.path_params
        project = self._store.projects.find(at["entity"], at["project"])
        if project is None:
            raise NotFoundError("no such project")
        return project


def _config(run: Run) -> dict[str, Any]:
    return {
        name: entry.get("value") if isinstance(entry, dict) else entry
        for name, entry in sorted(run.config.items())
        if name != "_wandb"
    }
