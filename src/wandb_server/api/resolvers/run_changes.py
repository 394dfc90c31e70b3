"""Mutations of runs: starting, updating, stopping, deleting, files."""

import json
from typing import Any

from src.shared.defaults import ENTITY, PROJECT
from src.wandb_server.api.arguments import Args
from src.wandb_server.api.ids import decode_id, encode_id
from src.wandb_server.api.lookups import find_sweep, run_by_id
from src.wandb_server.api.names import check_file_name
from src.wandb_server.api.resolvers.nodes import node
from src.wandb_server.api.resolvers.types import Resolvers
from src.wandb_server.context import Server
from src.wandb_server.documents import lookup
from src.wandb_server.errors import NotFoundError, RequestError
from src.wandb_server.scheduling.attempts import begun_again
from src.wandb_server.scheduling.endings import stop_run
from src.wandb_server.states import RunState
from src.wandb_server.store.projects import Project
from src.wandb_server.store.runs import Run
from src.wandb_server.store.stamps import now


def _upsert_run(server: Server, args: Args) -> dict[str, Any]:
    given = args.input()
    values: dict[str, Any] = {
        column: value
        for column, value in {
            "display_name": given.optional("displayName"),
            "description": given.optional("description"),
            "notes": given.optional("notes"),
            "group_name": given.optional("groupName"),
            "job_type": given.optional("jobType"),
            "commit_hash": given.optional("commit"),
            "repo": given.optional("jobRepo"),
            "host": given.optional("host"),
            "program": given.optional("jobProgram"),
            "tags": given.texts("tags"),
            "config": given.json_object("config"),
            "summary": given.json_object("summaryMetrics"),
        }.items()
        if value is not None
    }
    if given.optional("id"):
        # Only the public API names a run so: it edits, and does not start it again.
        run, inserted = run_by_id(server, given.text("id")), False
        server.store.runs.update(run.id, **values)
    else:
        run, inserted = _start(server, given, values)
    changed = server.store.runs.get(run.id)
    assert changed is not None
    return {
        "__typename": "UpsertBucketPayload",
        "bucket": node(changed, server),
        "inserted": inserted,
    }


def _start(server: Server, given: Args, values: dict[str, Any]) -> tuple[Run, bool]:
    """A process begins or continues the run of this name."""
    project = server.store.projects.ensure(
        given.name("entityName", ENTITY), given.name("modelName", PROJECT)
    )
    values["state"] = RunState.RUNNING
    if sweep_name := given.optional("sweep"):
        sweep = find_sweep(server, project, sweep_name)
        if sweep is None:
            raise NotFoundError(f"no sweep {sweep_name} in project {project.name}")
        values["sweep_id"] = sweep.id
        server.store.sweeps.begin(sweep.id)
    name = given.name("name")
    run = server.store.runs.find(project.id, name)
    if run is None:
        run, inserted = server.store.runs.create(project.id, name, **values), True
    else:
        if run.state is RunState.PENDING and "config" in values:
            values["config"] = run.config | values["config"]
        inserted = run.state is RunState.PENDING
        if run.state is RunState.PREEMPTING:
            del values["state"]  # an update of the process that is about to be preempted
        # The client tells "exists already" from "new" by this; a pending run has not begun.
        server.store.runs.update(run.id, **values | _going_on(server, run))
    if inserted:
        _fork(server, project, run_by_id(server, encode_id("Run", run.id)))
    server.liveness.run_spoke(run.id)
    return run, inserted


def _fork(server: Server, project: Project, run: Run) -> None:
    """A new run may go on from a step of another one, which its client says in its config."""
    point = lookup(run.config, "_wandb.value.branch_point")
    if not isinstance(point, dict) or point.get("run_id") == run.name or run.inherited is not None:
        return  # or it goes back in its own history, for which there is a mutation
    moment = Args(point)
    parent = server.store.runs.find(project.id, moment.text("run_id"))
    if parent is None:
        raise NotFoundError(f"fork_from: no run {point['run_id']} in project {project.name}")
    step = moment.integer("step", 0)
    _check_step(server, "fork_from", parent, step)
    server.store.branches.fork(run, parent, step)


def _check_step(server: Server, argument: str, run: Run, step: int) -> None:
    """Refuse to go on from where a run has not come: its history would have a hole for good."""
    last_step = server.store.branches.last_step(run)
    if last_step is None:
        raise NotFoundError(f"{argument}: run {run.name} has logged no step yet")
    if not 0 <= step <= last_step:
        raise NotFoundError(
            f"{argument}: run {run.name} has no step {step}; its last one is {last_step}"
        )


def _going_on(server: Server, run: Run) -> dict[str, Any]:
    """What a run that has ended forgets when it goes on: how it ended, and that it had to.

    One that is active is merely updated by its process, and if it is told to stop, it still is.
    """
    if run.active:
        return {}
    begun_again(server.store, run)
    flags = {"should_stop": 0, "told_to_stop": 0, "withdrawn": 0}
    return {"exitcode": None, "early_stop": None, **flags}


def _delete_run(server: Server, args: Args) -> dict[str, Any]:
    given = args.input()
    run = server.store.runs.get(decode_id("Run", given.text("id")))
    if run is None:  # deleted already, say by a client that had no reply
        return {"__typename": "DeleteRunPayload", "clientMutationId": None}
    if given.flag("deleteArtifacts"):
        for artifact in server.store.artifacts.logged_by_alone(run.id):
            server.store.artifacts.delete(artifact.id)
    server.store.runs.delete(run.id)
    return {"__typename": "DeleteRunPayload", "clientMutationId": None}


def _stop_run(server: Server, args: Args) -> dict[str, Any]:
    stop_run(server.store, run_by_id(server, args.input().text("id")))
    return {"__typename": "StopRunPayload", "success": True}


def _update_state(server: Server, args: Args) -> dict[str, Any]:
    given = args.input()
    run, state = run_by_id(server, given.text("id")), given.text("state")
    allowed: dict[str, tuple[RunState, ...]] = {
        RunState.PENDING: (RunState.RUNNING, RunState.FAILED, RunState.CRASHED, RunState.PREEMPTED),
        RunState.FAILED: (RunState.PENDING, RunState.RUNNING),
    }
    if run.sweep_id is not None or run.state not in allowed.get(state, ()):
        whose = "a sweep's run" if run.sweep_id is not None else f"a run that is {run.state}"
        raise RequestError(f"invalid state transition: {whose} cannot be set to {state}")
    server.store.runs.update(run.id, state=state, **_going_on(server, run))
    return {"__typename": "UpdateRunStatePayload", "success": True}


def _create_files(server: Server, args: Args) -> dict[str, Any]:
    given = args.input()
    run = server.run_at(
        given.optional("entityName"), given.optional("projectName"), given.text("runName")
    )
    names = given.texts("files") or []
    for name in names:
        check_file_name(name)
    files = [server.store.files.run_file(run.id, name) for name in names]
    return {
        "__typename": "CreateRunFilesPayload",
        "runID": run.name,
        "uploadHeaders": [],
        "files": [node(file, server) for file in files],
    }


def _files_uploaded(server: Server, args: Args) -> dict[str, Any]:
    # A file counts as uploaded when its content has arrived, so there is nothing to note.
    given = args.input()
    server.run_at(
        given.optional("entityName"), given.optional("projectName"), given.text("runName")
    )
    return {"__typename": "MarkRunFilesUploadedPayload", "success": True}


def _delete_files(server: Server, args: Args) -> dict[str, Any]:
    for file_id in args.input().texts("files") or []:
        server.store.files.delete_run_file(decode_id("File", file_id))
    return {"__typename": "DeleteFilesPayload", "success": True}


def _rewind(server: Server, args: Args) -> dict[str, Any]:
    given = args.input()
    project_name, run_name = given.optional("projectName"), given.text("runName")
    run = server.run_at(given.optional("entityName"), project_name, run_name)
    if given.text("metricName") != "_step":
        raise RequestError("a run can only be rewound to a '_step'")
    step = given.integer("metricValue", 0)
    _check_step(server, "resume_from", run, step)
    server.store.branches.rewind(run, step)
    server.store.runs.update(run.id, state=RunState.RUNNING, **_going_on(server, run))
    server.liveness.run_spoke(run.id)
    return {
        "__typename": "RewindRunPayload",
        "rewoundRun": node(run_by_id(server, encode_id("Run", run.id)), server),
    }


def _alert(server: Server, args: Args) -> dict[str, Any]:
    given = args.input()
    run = server.run_at(
        given.optional("entityName"), given.optional("projectName"), given.text("runName")
    )
    alert = {name: given.optional(name) for name in ("title", "text", "severity")}
    position = server.store.runs.line_count(run.id, "alerts")
    line = json.dumps(alert | {"time": now()})
    server.store.runs.put_lines(run.id, "alerts", [(position, None, line)])
    return {"__typename": "NotifyScriptableRunAlertPayload", "success": True}


MUTATIONS: Resolvers = {
    "deleteFiles": _delete_files,
    "rewindRun": _rewind,
    "notifyScriptableRunAlert": _alert,
    "upsertBucket": _upsert_run,
    "deleteRun": _delete_run,
    "stopRun": _stop_run,
    "updateRunState": _update_state,
    "createRunFiles": _create_files,
    "markRunFilesUploaded": _files_uploaded,
}
