"""The dashboard's routes: pages at the addresses that the client prints, for people to read."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from src.wandb_server.context import Server
from src.wandb_server.dashboard import downloads, projects, rendering
from src.wandb_server.dashboard.addresses import project_url
from src.wandb_server.dashboard.forms import Forms
from src.wandb_server.dashboard.reports import report_page
from src.wandb_server.dashboard.runs import run_page
from src.wandb_server.dashboard.sweeps import sweep_page
from src.wandb_server.errors import NotFoundError, RequestError
from src.wandb_server.http.doors import (
    ANYBODY,
    BUTTON,
    FILE,
    PAGE,
    Door,
    Endpoint,
    Visitor,
    is_owner,
)
from src.wandb_server.store.errors import DamagedError
from src.wandb_server.store.projects import Project

Model = Callable[[Server, Request], dict[str, Any]]
PROJECT = "/{entity}/{project}"
# Pages of W&B's that ours of a project has inside.
_TABS = ("runs", "sweeps", "reports", "workspace", "overview")


def page_routes(server: Server, key: str, key_file: Path) -> list[Door]:
    """The pages.

    Args:
        server: The parts that they show.
        key: The API key, from which the tokens of forms are derived.
        key_file: Where users find it.
    """
    forms = Forms(server, key)
    door = partial(_door, server)

    def page(path: str, template: str, model: Model) -> Door:
        def render(server: Server, request: Request) -> Response:
            owner, where = is_owner(request), urlencode({"next": request.url.path}, safe="/")
            health = server.store.health
            context = model(server, request) | {
                "token": "" if health.damage else forms.token(request.state.login),
                "owner": owner,
                "login_url": "" if owner else f"/login?{where}",
                "key_file": key_file,
                "host": request.headers["host"],
                "health": health,
            }
            return rendering.page(template, context)

        return answer(PAGE, path, render)

    def answer(whose: Visitor, path: str, respond: Callable[[Server, Request], Response]) -> Door:
        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(respond, server, request)

        return door(whose, path, endpoint)

    return [
        page("/", "index.html", lambda server, _: projects.index(server)),
        door(ANYBODY, "/static/{digest}/{name}", rendering.static_file),
        door(BUTTON, "/actions/{kind}/{entity}/{project}/{name}/{button}", forms.press, "POST"),
        page(PROJECT, "project.html", _project_page),
        page(f"{PROJECT}/compare", "compare.html", _compare_page),
        page(f"{PROJECT}/sweeps/{{sweep}}", "sweep.html", _sweep_page),
        page(f"{PROJECT}/runs/{{run}}", "run.html", _run_page),
        page(f"{PROJECT}/reports/{{report:path}}", "report.html", _report_page),
        answer(FILE, f"{PROJECT}/runs/{{run}}/files/{{name:path}}", _run_file),
        answer(FILE, f"{PROJECT}/artifacts/{{artifact}}/{{name:path}}", _artifact_file),
        answer(PAGE, f"{PROJECT}/{{tab}}", _to_project),
    ]


def _door(
    server: Server, whose: Visitor, path: str, endpoint: Endpoint, method: str = "GET"
) -> Door:
    """A route whose errors a person can read."""

    async def readable(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RequestError as error:
            return _error_page(server, request, error.status, str(error))
        except DamagedError:  # the page says at its top what is damaged
            refused = "nothing can be changed" if method == "POST" else "this page cannot be read"
            return _error_page(server, request, 503, f"{refused}: the database is damaged")

    return Door(whose, path, readable, method)


def not_found(server: Server) -> Callable[[Request, Exception], Awaitable[Response]]:
    """The answer to addresses that no route has."""

    async def answer(request: Request, error: Exception) -> Response:
        return _error_page(server, request, 404, "no such page")

    return answer


def _error_page(server: Server, request: Request, status: int, message: str) -> Response:
    title = "Not found" if status == 404 else "That did not work"
    context = {"title": title, "message": message[:1].upper() + message[1:], "live": False}
    context |= {"health": server.store.health, "owner": is_owner(request)}
    return rendering.page("error.html", context, status)


def _project(server: Server, request: Request) -> Project:
    at = request.path_params
    project = server.store.projects.find(at["entity"], at["project"])
    if project is None:
        raise NotFoundError(f"no project {at['entity']}/{at['project']}")
    return project


def _project_page(server: Server, request: Request) -> dict[str, Any]:
    return projects.project_page(server, _project(server, request), request.query_params)


def _compare_page(server: Server, request: Request) -> dict[str, Any]:
    return projects.compare_page(server, _project(server, request), request.query_params)


def _sweep_page(server: Server, request: Request) -> dict[str, Any]:
    project, name = _project(server, request), request.path_params["sweep"]
    sweep = server.store.sweeps.find(project.id, name)
    if sweep is None:
        raise NotFoundError(f"no sweep {name} in project {project.name}")
    return sweep_page(server, project, sweep, request.query_params)


def _run_page(server: Server, request: Request) -> dict[str, Any]:
    project = _project(server, request)
    return run_page(server, project, server.run_in(project, request.path_params["run"]))


def _report_page(server: Server, request: Request) -> dict[str, Any]:
    return report_page(server, _project(server, request), request.path_params["report"])


def _run_file(server: Server, request: Request) -> Response:
    at, view = request.path_params, request.query_params.get("view") == "1"
    run = server.run_in(_project(server, request), at["run"])
    return downloads.run_file(server, run, at["name"], view=view)


def _artifact_file(server: Server, request: Request) -> Response:
    at = request.path_params
    return downloads.artifact_file(server, _project(server, request), at["artifact"], at["name"])


def _to_project(server: Server, request: Request) -> Response:
    if request.path_params["tab"] not in _TABS:
        raise NotFoundError("no such page")
    return RedirectResponse(project_url(_project(server, request)))
