"""Runs as nodes: fields, history, files, and lists with filters and order."""

import fnmatch
import json
import mimetypes
import posixpath
import re
from typing import Any

from src.shared.defaults import ENTITY
from src.wandb_server.api.arguments import Args
from src.wandb_server.api.connections import chosen, connection
from src.wandb_server.api.filters import Fields, camel_too
from src.wandb_server.api.history import DEFAULT_SAMPLES, history_keys, sample, sampled_history
from src.wandb_server.api.ids import encode_id
from src.wandb_server.api.resolvers import artifacts
from src.wandb_server.api.resolvers.nodes import FILE_FIELDS, node, project_info, user_node
from src.wandb_server.context import Server
from src.wandb_server.metadata import METADATA, arguments_of, metadata_of, repository_of
from src.wandb_server.store.blobs import BlobStorage
from src.wandb_server.store.files import StoredFile
from src.wandb_server.store.projects import Project
from src.wandb_server.store.run_lines import readable
from src.wandb_server.store.runs import Run

_SHELL = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}


def project_fields(server: Server, project: Project) -> dict[str, Any]:
    """What a project's node says about its runs."""

    def one(args: Args) -> dict[str, Any] | None:
        run = server.store.runs.find(project.id, args.text("name"))
        return node(run, server) if run else None

    def count(args: Args) -> int:
        return len(chosen(server.store.runs.of_project(project.id), run_fields(server), args))

    return {
        "run": one,
        "bucket": one,
        "runs": lambda args: run_connection(
            server, project, server.store.runs.of_project(project.id), args
        ),
        "runCount": count,
    }


def run_connection(
    server: Server, project: Project, runs: list[Run], args: Args, default: int = 50
) -> dict[str, Any]:
    """A page of runs, filtered and in the order that the arguments ask for."""
    page = chosen(runs, run_fields(server), args)
    return connection(page, args, lambda run: node(run, server), default, "RunConnection")


def run_fields(server: Server) -> Fields[Run]:
    """What filters and orders may name; ``config.lr`` and ``config.lr.value`` both work."""

    def config(run: Run) -> dict[str, Any]:
        values = {
            name: entry.get("value") if isinstance(entry, dict) else entry
            for name, entry in run.config.items()
        }
        return {f"{name}.value": value for name, value in values.items()} | values

    def sweep(run: Run) -> list[str] | None:
        # The client names a run's sweep by either of its ids.
        found = server.store.sweeps.get(run.sweep_id) if run.sweep_id is not None else None
        return [found.name, encode_id("Sweep", found.id)] if found else None

    return camel_too(
        {
            "id": lambda run: encode_id("Run", run.id),
            "name": lambda run: run.name,
            "display_name": lambda run: run.display_name,
            "state": lambda run: run.state,
            "config": config,
            "summary_metrics": lambda run: run.full_summary,
            "keys_info": lambda run: {"keys": history_keys(server.store, run)["keys"]},
            "tags": lambda run: run.tags,
            "group": lambda run: run.group_name,
            "job_type": lambda run: run.job_type,
            "notes": lambda run: run.notes,
            "host": lambda run: run.host,
            "commit": lambda run: run.commit_hash,
            "created_at": lambda run: run.created_at,
            "heartbeat_at": lambda run: run.heartbeat_at,
            "updated_at": lambda run: run.heartbeat_at,
            "username": lambda run: ENTITY,
            "user": lambda run: {"username": ENTITY},
            "sweep": sweep,
        }
    )


@node.register
def run_node(run: Run, server: Server) -> dict[str, Any]:
    """A run."""
    sweep = server.store.sweeps.get(run.sweep_id) if run.sweep_id is not None else None
    return {
        "__typename": "Run",
        "id": encode_id("Run", run.id),
        "name": run.name,
        "displayName": run.display_name,
        "state": run.state,
        "config": json.dumps(run.config),
        "summaryMetrics": json.dumps(run.full_summary),
        "tags": run.tags,
        "group": run.group_name,
        "groupName": run.group_name,
        "jobType": run.job_type,
        "description": run.description,
        "notes": run.notes,
        "commit": run.commit_hash,
        "host": run.host,
        "exitcode": run.exitcode,
        "readOnly": False,
        "createdAt": run.created_at,
        "heartbeatAt": run.heartbeat_at,
        "updatedAt": run.heartbeat_at,
        "sweepName": sweep.name if sweep else None,
        "shouldStop": run.should_stop,
        "stopped": server.scheduler.stopped(run),
        "failed": run.state.went_wrong,
        "running": run.active,
        "user": user_node(),
        "project": lambda _: project_info(server.store.projects.get(run.project_id)),
        "projectId": str(run.project_id),
        "runInfo": lambda _: _run_info(server, run),
        **_stream_fields(server, run),
        **_file_fields(server, run),
        **artifacts.run_fields(server, run),
    }


def _run_info(server: Server, run: Run) -> dict[str, Any]:
    file = next(iter(server.store.files.run_files(run.id, METADATA)), None)
    told = metadata_of(server.blobs, file)
    repository = repository_of(told)
    texts = {key: told.get(key) for key in ("os", "python", "executable")}
    return {
        "__typename": "RunInfo",
        "program": run.program,
        "args": arguments_of(told),
        **{key: text if isinstance(text, str) else None for key, text in texts.items()},
        "git": {"remote": None, "commit": None} | repository if repository else None,
    }


def _stream_fields(server: Server, run: Run) -> dict[str, Any]:
    store = server.store.runs

    def stream(name: str, args: Args) -> list[str]:
        low = args.optional_integer("minStep")
        high = args.optional_integer("maxStep")
        lines = store.lines(run.id, name, low, high)
        return readable(name, sample(lines, args.integer("samples", DEFAULT_SAMPLES)))

    def tail(name: str) -> str:
        line = store.last_line(run.id, name)
        return json.dumps([line] if line is not None else [])

    def system_metrics(args: Args) -> str:
        line = store.last_line(run.id, "events")
        row = json.loads(line) if line else {}
        return json.dumps({k: v for k, v in row.items() if k.startswith("system.")})

    def log_lines(args: Args) -> dict[str, Any]:
        lines = list(enumerate(store.lines(run.id, "log")))
        if (last := args.optional_integer("last")) is not None:
            lines = lines[-last:] if last > 0 else []
        return connection(lines, args, _log_node, default=1000)

    def parquet(args: Args) -> dict[str, Any]:
        # History is never exported to parquet files: all of it is live, from its first step on.
        keys = ["_step", *(args.texts("liveKeys") or [])]
        first = readable("history", store.lines(run.id, "history")[:1])
        rows = [json.loads(line) for line in first]
        live = [{key: row[key] for key in keys if key in row} for row in rows if "_step" in row]
        return {"__typename": "ParquetHistory", "parquetUrls": [], "liveData": live}

    def wandb_config(args: Args) -> str:
        entry = run.config.get("_wandb")
        kept = entry.get("value") if isinstance(entry, dict) else None
        known = kept if isinstance(kept, dict) else {}
        return json.dumps({k: known[k] for k in args.texts("keys") or [] if k in known})

    return {
        "historyLineCount": lambda _: store.line_count(run.id, "history"),
        "eventsLineCount": lambda _: store.line_count(run.id, "events"),
        "logLineCount": lambda _: store.line_count(run.id, "log"),
        "historyTail": lambda _: tail("history"),
        "eventsTail": lambda _: tail("events"),
        "history": lambda args: stream("history", args),
        "events": lambda args: stream("events", args),
        "sampledHistory": lambda args: sampled_history(
            server.store, run, args.texts("specs") or []
        ),
        "historyKeys": lambda _: history_keys(server.store, run),
        "parquetHistory": parquet,
        "systemMetrics": system_metrics,
        "logLines": log_lines,
        "wandbConfig": wandb_config,
    }


def _log_node(numbered: tuple[int, str]) -> dict[str, Any]:
    number, line = numbered
    level = "error" if line.startswith("ERROR ") else "info"
    found = re.match(r"(?:ERROR )?(\d{4}-\d\d-\d\dT\S+) (.*)", line, re.DOTALL)
    return {
        "__typename": "LogLine",
        "number": number,
        "timestamp": found[1] if found else None,
        "level": level,
        "label": None,
        "line": found[2] if found else line,
    }


def _file_fields(server: Server, run: Run) -> dict[str, Any]:
    def uploaded() -> list[StoredFile]:
        return [f for f in server.store.files.run_files(run.id) if f.size is not None]

    def files(args: Args) -> dict[str, Any]:
        names = args.texts("names")
        found = uploaded()
        if names and args.flag("upload"):
            found = [server.store.files.run_file(run.id, name) for name in names]
        elif names:
            found = [f for f in found if f.name in {posixpath.normpath(name) for name in names}]
        if pattern := args.optional("pattern"):
            found = [f for f in found if _like(f.name, pattern)]
        return connection(chosen(found, FILE_FIELDS, args), args, lambda file: node(file, server))

    return {"fileCount": lambda _: len(uploaded()), "files": files}


def _like(name: str, pattern: str) -> bool:
    """SQL's LIKE: ``%`` is any text, ``_`` any character."""
    # By way of a shell pattern, whose matching never takes exponential time.
    shell = "".join(_SHELL.get(character, character) for character in pattern)
    return re.match(fnmatch.translate(shell), name, re.IGNORECASE) is not None


@node.register
def file_node(file: StoredFile, server: Server) -> dict[str, Any]:
    """A file of a run or artifact."""
    url = file.reference or server.blob_url(file.blob_id)
    return {
        "__typename": "File",
        "id": encode_id("File", file.id),
        "name": file.name,
        "displayName": file.name,
        "url": lambda _: url,
        "directUrl": url,
        "uploadUrl": url,
        "uploadHeaders": [],
        "sizeBytes": file.size or 0,
        "storagePath": None if file.reference else BlobStorage.place(file.blob_id),
        "mimetype": mimetypes.guess_type(file.name)[0],
        "updatedAt": file.updated_at,
        "digest": file.md5,
        "md5": file.md5,
    }
