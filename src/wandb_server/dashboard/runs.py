"""The model of a run's page."""

import json
import re
import shlex
from typing import Any

from src.sweep_language.grammar import SweepSpec
from src.sweep_language.metric import usual_goal
from src.wandb_server.context import Server
from src.wandb_server.dashboard import charts, words
from src.wandb_server.dashboard.addresses import artifact_file_url, run_file_url, run_url
from src.wandb_server.dashboard.damage import read_or
from src.wandb_server.dashboard.histories import MAX_ROWS, Curve, config_of, curves_of, summary_of
from src.wandb_server.dashboard.listing import run_seconds
from src.wandb_server.dashboard.media import media_of
from src.wandb_server.dashboard.ranking import spec_or_none
from src.wandb_server.metadata import METADATA, arguments_of, metadata_of, repository_of
from src.wandb_server.metric import run_best
from src.wandb_server.scheduling.sweep_config import stored_spec
from src.wandb_server.store import Store
from src.wandb_server.store.projects import Project
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep

LOG_LINES = 500
MAX_CHARTS = 60
_NORMS = ("norm",)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_STAMP = re.compile(r"(ERROR )?\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)\S* ?")


def run_page(server: Server, project: Project, run: Run) -> dict[str, Any]:
    """A run: how it went, what it logged, how to do it again."""
    store = server.store
    sweep = store.sweeps.get(run.sweep_id) if run.sweep_id is not None else None
    spec = spec_or_none(sweep)
    retry_of = store.runs.get(run.retry_of) if run.retry_of is not None else None
    curves = curves_of(store, run)
    norms = {k: v for k, v in curves.items() if any(word in k for word in _NORMS)}
    others = {k: v for k, v in curves.items() if k not in norms}
    url = run_url(project, run)
    stored = read_or([], store.files.run_files, run.id)
    files = {f.name: f for f in stored if f.size is not None}
    drawn = charts.run_charts(others)
    metric = spec.metric_name if spec else None
    metric = metric or next((k for k in charts.order_keys(curves) if k.startswith("val_")), None)
    log = read_or([], store.runs.last_lines, run.id, "log", LOG_LINES)
    damaged = read_or(None, store.runs.unreadable_lines, run.id, MAX_ROWS)
    metadata = metadata_of(server.blobs, files.get(METADATA))
    config = config_of(run)
    return {
        "title": run.display_name,
        "lost": words.lost_parts(run, damaged),
        "project": project,
        "run": run,
        "colour": charts.run_colour(run),
        "sweep": sweep,
        "retry_of": retry_of,
        "ended": words.ended(run, spec),
        "seconds": run_seconds(run),
        "best": _best(store, run, spec, metric, curves.get(metric or "")),
        "config": list(config.items()),
        "summary": list(summary_of(run).items()),
        "charts": drawn[:MAX_CHARTS],
        "left_out": max(0, len(drawn) - MAX_CHARTS),
        "norms": charts.run_charts(norms),
        "system": _system(curves_of(store, run, "events")),
        "media": media_of(store, server.blobs, run, files, url),
        "log": [_log_line(text) for text in log],
        "log_lines": read_or(0, store.runs.line_count, run.id, "log"),
        "files": [(file, run_file_url(url, name)) for name, file in files.items()],
        "artifacts": read_or([], _artifacts, server, project, run),
        "command": _command(run, sweep, metadata),
        "commit": _commit(run, metadata),
        # As the training says it of its own checkout.
        "changed": str(config.get("git_commit")).endswith("+changes"),
        "live": run.active,
    }


def _best(
    store: Store, run: Run, spec: SweepSpec | None, metric: str | None, curve: Curve | None
) -> dict[str, Any] | None:
    # Of a long history the curve has some rows only; of a sweep's metric all values are kept.
    of_sweep = spec if spec is not None and spec.metric_name is not None else None
    goal = of_sweep.goal if of_sweep else usual_goal(metric or "")
    if goal is None:
        return None
    values = read_or([], store.runs.metric_range, run.id) if of_sweep else []
    if not values and curve is not None:
        values = [value for value in curve.values if value is not None]
    value = run_best(values, run.summary, metric, goal)
    if value is None:
        return None
    return {"metric": metric, "value": value, "where": _where(curve, value)}


def _where(curve: Curve | None, value: float) -> str:
    """Where a curve has a value; nothing if it has not."""
    if curve is None or value not in curve.values:
        return ""
    place = curve.values.index(value)
    epoch = curve.epochs[place] if curve.has_epochs else None
    return f"step {curve.steps[place]:g}" if epoch is None else f"epoch {epoch:g}"


def _system(curves: dict[str, Curve]) -> list[tuple[str, charts.Figure]]:
    found = []
    for key in sorted(curves):
        if not any(curves[key].values):
            continue  # a counter that never moved
        x, y = curves[key].points(by_epoch=False)
        title = key.removeprefix("system.")
        found.append((title, charts.figure([charts.line(title, x, y, "#0e93a0")], "seconds")))
    return found[:MAX_CHARTS]


def _log_line(text: str) -> tuple[str, str]:
    """The time and the text of a line, without terminal colours; a rewritten line's last form."""
    stamp = _STAMP.match(text)
    time, rest = (stamp[2], text[stamp.end() :]) if stamp else ("", text)
    rest = _ESCAPES.sub("", rest).rstrip("\r\n")
    return time, rest.rpartition("\r")[2]


def _artifacts(server: Server, project: Project, run: Run) -> list[dict[str, Any]]:
    store = server.store.artifacts
    rows = []
    logged = [(artifact, "logged") for artifact in store.logged_by(run.id)]
    for artifact, how in [*logged, *((a, "used") for a in store.used_by(run.id))]:
        collection = server.store.collections.get(artifact.collection_id)
        if collection is None:
            continue
        versions = [
            m.version
            for m in store.memberships(artifact_id=artifact.id)
            if m.collection_id == collection.id
        ]
        rows.append(
            {
                "name": f"{collection.name}:v{versions[0]}" if versions else collection.name,
                "type": collection.type,
                "how": how,
                "aliases": [alias.alias for alias in store.aliases(collection.id, artifact.id)],
                "artifact": artifact,
                "files": [
                    (f, artifact_file_url(project, artifact, f.name))
                    for f in server.store.contents.files(artifact.id)[:50]
                ],
                # The client keeps a logged table a second time as an artifact.
                "internal": collection.type in ("run_table", "wandb-history", "job"),
            }
        )
    return rows


def _command(run: Run, sweep: Sweep | None, metadata: dict[str, Any]) -> str | None:
    """What starts the same training again: the sweep's program with the run's parameters."""
    if sweep is not None and run.params is not None:
        program = stored_spec(sweep).program or run.program
        arguments = [f"--{name}={_argument(value)}" for name, value in run.params.items()]
    else:
        program = metadata.get("program") or run.program
        arguments = arguments_of(metadata)
    if not isinstance(program, str) or not program:
        return None
    start = shlex.split(program) if program.startswith("-m ") else [program]
    return shlex.join(["python", *start, *arguments])


def _argument(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else json.dumps(value)


def _commit(run: Run, metadata: dict[str, Any]) -> str | None:
    commit = run.commit_hash or repository_of(metadata).get("commit")
    return commit if commit is not None and re.fullmatch(r"[0-9a-f]{7,64}", commit) else None
