"""Pages as responses: templates, their filters, the static files, and what a browser may do."""

import hashlib
import importlib.util
import json
import math
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from src.wandb_server.dashboard import words
from src.wandb_server.dashboard.addresses import project_url, run_url, sweep_url
from src.wandb_server.dashboard.listing import STATES
from src.wandb_server.errors import NotFoundError

_PACKAGE = Path(__file__).parent.parent
_MAX_CELL = 120

# Scripts and style sheets come from this server alone. An element's own style is allowed, which the
# charting library sets; no logged text ever becomes one.
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}
_PAGE_HEADERS = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", **SAFE_HEADERS}


def page(template: str, context: dict[str, Any], status: int = 200) -> HTMLResponse:
    """A rendered page."""
    text = environment().get_template(template).render(context)
    # An uploaded table may hold half a surrogate pair, which has no form in UTF-8.
    return HTMLResponse(text.encode("utf-8", "replace"), status, _PAGE_HEADERS)


@cache
def environment() -> Environment:
    """The templates; every value is escaped."""
    env = Environment(
        loader=FileSystemLoader(_PACKAGE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "value": format_value,
        "metric": words.metric,
        "duration": words.duration,
        "size": words.size,
    }
    env.globals |= {
        "maps_style": _maps_style(),
        "asset": lambda name: f"/static/{_digest(name)}/{name}",
        "project_url": project_url,
        "run_url": run_url,
        "sweep_url": sweep_url,
        "shell": shlex.quote,
        "states": STATES,
        "state_words": words.state,
        "lost_parts": words.lost_parts,
        "sweep_title": words.sweep_title,
    }
    env.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return env


def format_value(value: Any) -> str:
    """A value of a config or summary, short enough for a table's cell."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: ""}[value]
    if isinstance(value, float):
        return words.number(value) if math.isfinite(value) else str(value)
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _MAX_CELL else text[: _MAX_CELL - 1] + "…"


@cache
def _assets() -> dict[str, tuple[Path, str]]:
    # Found without importing it, which takes most of a second.
    plotly = importlib.util.find_spec("plotly")
    assert plotly is not None
    assert plotly.origin is not None
    script = Path(plotly.origin).parent / "package_data" / "plotly.min.js"
    return {
        "dashboard.css": (_PACKAGE / "static" / "dashboard.css", "text/css"),
        "dashboard.js": (_PACKAGE / "static" / "dashboard.js", "text/javascript"),
        "charts.css": (_PACKAGE / "static" / "charts.css", "text/css"),
        "figures.js": (_PACKAGE / "static" / "figures.js", "text/javascript"),
        "plotly.min.js": (script, "text/javascript"),
    }


@cache
def _maps_style() -> str:
    """The id of the style sheet for maps, which the charting library adds unless it is there."""
    script = _assets()["plotly.min.js"][0].read_text(encoding="utf-8")
    found = re.search(r'getElementById\("([0-9a-f]{32,})"\)', script)
    return found[1] if found else ""


@cache
def _digest(name: str) -> str:
    return hashlib.sha256(_assets()[name][0].read_bytes()).hexdigest()[:16]


async def static_file(request: Request) -> Response:
    """A script or style sheet; its address has its digest, so it may be kept for ever."""
    name = request.path_params["name"]
    if name not in _assets() or request.path_params["digest"] != _digest(name):
        raise NotFoundError("no such file")
    path, media_type = _assets()[name]
    headers = {"Cache-Control": "public, max-age=31536000, immutable", **SAFE_HEADERS}
    return FileResponse(path, media_type=media_type, headers=headers)
