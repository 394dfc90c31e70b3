"""The model of a saved W&B report: its title, description and text."""

from typing import Any

from src.wandb_server.api.ids import decode_id
from src.wandb_server.context import Server
from src.wandb_server.dashboard.words import lost_parts
from src.wandb_server.errors import NotFoundError
from src.wandb_server.store.projects import Project

MAX_DEPTH = 20
_WITHOUT_TEXT = {"panel-grid", "weave-panel", "table-of-contents", "horizontal-rule", "runs"}


def report_page(server: Server, project: Project, slug: str) -> dict[str, Any]:
    """A report at the address that ``wandb-workspaces`` prints: its title, ``--``, its id."""
    opaque = slug.rpartition("--")[2]
    view = server.store.views.get(decode_id("View", opaque + "=" * (-len(opaque) % 4)))
    if view is None or view.project_id != project.id:
        raise NotFoundError("no such report")
    blocks = view.spec.get("blocks")
    return {
        "title": view.display_name or "Untitled report",
        "project": project,
        "lost": lost_parts(view),
        "view": view,
        "blocks": [_block(block) for block in blocks if isinstance(block, dict)]
        if isinstance(blocks, list)
        else [],
        "live": False,
    }


def _block(block: dict[str, Any]) -> dict[str, Any]:
    """A block of the report's editor as kind, level and text."""
    kind, level = str(block.get("type")), block.get("level")
    if kind in _WITHOUT_TEXT:
        return {"kind": kind, "items": []}
    children = block.get("children")
    parts = children if isinstance(children, list) else []
    if kind == "list":
        items = [_text(part) for part in parts]
        return {"kind": "ordered" if block.get("ordered") else "list", "items": items}
    if kind == "code-block":
        return {"kind": "code", "items": ["\n".join(_text(part) for part in parts)]}
    if kind == "heading":
        return {"kind": "h3" if level in (2, 3) else "h2", "items": [_text(block)]}
    return {"kind": "quote" if kind == "block-quote" else "text", "items": [_text(block)]}


def _text(node: Any, depth: int = 0) -> str:
    if not isinstance(node, dict) or depth > MAX_DEPTH:
        return ""
    for key in ("text", "content"):  # the latter of Markdown and formulas
        if isinstance(node.get(key), str):
            return str(node[key])
    children = node.get("children")
    return "".join(_text(c, depth + 1) for c in children) if isinstance(children, list) else ""
