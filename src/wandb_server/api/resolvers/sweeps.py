"""Sweeps and their agents."""

import json
from typing import Any

from src.shared.defaults import ENTITY, UNNAMED_PROJECT
from src.sweep_language.distributions import Choice
from src.sweep_language.grammar import SweepSpec
from src.wandb_server.api import file_stream
from src.wandb_server.api.arguments import Args, parse_json
from src.wandb_server.api.commands import command_form
from src.wandb_server.api.connections import chosen, connection, edges
from src.wandb_server.api.filters import Fields, camel_too, selected
from src.wandb_server.api.ids import decode_id, encode_id
from src.wandb_server.api.lookups import find_sweep, sweep_by_id
from src.wandb_server.api.resolvers import runs
from src.wandb_server.api.resolvers.nodes import node, user_node
from src.wandb_server.context import Server
from src.wandb_server.errors import NotFoundError, RequestError
from src.wandb_server.scheduling.benching import agent_state
from src.wandb_server.scheduling.endings import set_state
from src.wandb_server.scheduling.prior_runs import adopt
from src.wandb_server.scheduling.sweep_config import UNREADABLE, stored_spec, sweep_spec
from src.wandb_server.scheduling.trials import sweep_best
from src.wandb_server.states import SweepState
from src.wandb_server.store.projects import Project
from src.wandb_server.store.sweeps import Agent, Sweep


def project_fields(server: Server, project: Project) -> dict[str, Any]:
    """What a project's node says about its sweeps."""

    def one(args: Args) -> dict[str, Any] | None:
        sweep = find_sweep(server, project, args.text("sweepName"))
        return node(sweep, server) if sweep else None

    def many(args: Args) -> dict[str, Any]:
        found = server.store.sweeps.of_project(project.id)
        page = chosen(found, _FIELDS, args, newest_first=True)
        return connection(page, args, lambda sweep: node(sweep, server))

    return {
        "sweep": one,
        "sweeps": many,
        "totalSweeps": lambda _: len(server.store.sweeps.of_project(project.id)),
    }


_FIELDS: Fields[Sweep] = camel_too(
    {
        "name": lambda sweep: sweep.name,
        "display_name": lambda sweep: sweep.display_name,
        "state": lambda sweep: sweep.state,
        "created_at": lambda sweep: sweep.created_at,
        "updated_at": lambda sweep: sweep.updated_at,
    }
)


@node.register
def sweep_node(sweep: Sweep, server: Server) -> dict[str, Any]:
    """A sweep."""
    spec = stored_spec(sweep)
    project = server.store.projects.get(sweep.project_id)

    def agent(args: Args) -> dict[str, Any] | None:
        name = args.text("agentName")
        agents = server.store.sweeps.agents(sweep.id)
        found = [a for a in agents if name in (a.name, encode_id("Agent", a.id))]
        return _agent_node(server, project, found[0]) if found else None

    return {
        "__typename": "Sweep",
        "id": encode_id("Sweep", sweep.id),
        "name": sweep.name,
        "displayName": sweep.display_name,
        "method": spec.method if spec is not UNREADABLE else None,
        "state": sweep.state,
        "description": sweep.description,
        "config": sweep.config if spec is not UNREADABLE else "{}",
        "controller": sweep.controller,
        "scheduler": sweep.scheduler,
        "controllerRunName": sweep.log_run_name if spec.engine else None,
        "priorRunsFilters": sweep.prior_runs,
        "createdAt": sweep.created_at,
        "updatedAt": sweep.updated_at,
        "heartbeatAt": sweep.updated_at,
        "earlyStopJobRunning": False,
        "bestLoss": lambda _: sweep_best(server.store, sweep),
        "runCount": lambda _: len(server.store.runs.of_sweep(sweep.id)),
        "runCountExpected": lambda _: spec.expected_runs,
        "project": lambda _: node(project, server),
        "user": user_node(),
        "runs": lambda args: runs.run_connection(
            server, project, server.store.runs.of_sweep(sweep.id), args, default=10_000
        ),
        "priorRuns": lambda args: runs.run_connection(
            server,
            project,
            [run for run in server.store.runs.of_sweep(sweep.id) if run.prior],
            args,
            default=10_000,
        ),
        "agent": agent,
        "agents": lambda _: edges(
            _agent_node(server, project, a) for a in server.store.sweeps.agents(sweep.id)
        ),
    }


def _agent_node(server: Server, project: Project, agent: Agent) -> dict[str, Any]:
    return {
        "__typename": "Agent",
        "id": encode_id("Agent", agent.id),
        "name": agent.name,
        "host": agent.host,
        "state": agent_state(agent, server.liveness),
        "totalRuns": lambda _: len(server.store.runs.of_agent(agent.id)),
        "createdAt": agent.created_at,
        "heartbeatAt": agent.heartbeat_at,
        "runs": lambda args: runs.run_connection(
            server, project, server.store.runs.of_agent(agent.id), args
        ),
    }


def _upsert_sweep(server: Server, args: Args) -> dict[str, Any]:
    given = args.input()
    values = {
        column: value
        for column, value in {
            "config": given.optional("config"),
            "description": given.optional("description"),
            "display_name": given.optional("displayName"),
            "controller": given.optional("controller"),
            "scheduler": given.optional("scheduler"),
            "prior_runs": given.optional("priorRunsFilters"),
        }.items()
        if value is not None
    }
    state = given.optional("state")
    if state is not None and state not in list(SweepState):
        raise RequestError(f"a sweep's state must be one of {', '.join(SweepState)}")
    warnings: list[str] = []
    if "config" in values:
        spec = sweep_spec(values["config"])
        warnings = [str(doubt) for doubt in spec.doubts]
    if given.optional("id"):
        sweep = _existing(server, given)
        before = stored_spec(sweep)
        changes = "config" in values and before is not UNREADABLE
        if changes and spec.metric_name != before.metric_name:
            raise RequestError("the metric of a sweep cannot be changed")
        server.store.sweeps.update(sweep.id, **values)
    else:
        if "config" not in values:
            raise RequestError("a new sweep needs a 'config'")
        project = server.store.projects.ensure(
            given.name("entityName", ENTITY), given.name("projectName", UNNAMED_PROJECT)
        )
        sweep = server.store.sweeps.create(project.id, **values)
        if filters := given.json_object("priorRunsFilters"):
            known = server.store.runs.of_project(project.id)
            prior = selected(known, runs.run_fields(server), filters, None)
            warnings += adopt(server.store, sweep, spec, prior)
    if state is not None:
        set_state(server.store, sweep, SweepState(state))
    changed = server.store.sweeps.get(sweep.id)
    assert changed is not None
    return {
        "__typename": "UpsertSweepPayload",
        "sweep": node(changed, server),
        "configValidationWarnings": warnings,
    }


def _existing(server: Server, given: Args) -> Sweep:
    """The sweep that ``id`` names, in either of its forms."""
    name = given.text("id")
    sweep = sweep_by_id(server, name)  # of whichever project
    if sweep is None:
        project = _project_of(server, given)
        sweep = server.store.sweeps.find(project.id, name) if project else None
    if sweep is None:
        raise NotFoundError("no such sweep")
    return sweep


def _project_of(server: Server, given: Args) -> Project | None:
    name = given.optional("projectName") or UNNAMED_PROJECT
    return server.project_at(given.optional("entityName"), name)


def _create_agent(server: Server, args: Args) -> dict[str, Any]:
    given = args.input()
    project = _project_of(server, given)
    sweep = find_sweep(server, project, given.text("sweep")) if project else None
    if project is None or sweep is None:
        raise NotFoundError(f"no sweep {given.optional('sweep')}")
    agent = server.store.sweeps.add_agent(sweep.id, given.optional("host") or "")
    server.liveness.agent_spoke(agent.id)
    return {"__typename": "CreateAgentPayload", "agent": _agent_node(server, project, agent)}


def _heartbeat(server: Server, args: Args) -> dict[str, Any]:
    given = args.input()
    agent_id = decode_id("Agent", given.text("id"))
    states = parse_json(given.optional("runState") or "{}", "runState")
    if not isinstance(states, dict):
        raise RequestError("'runState' must be a JSON object")
    reported = {name for name, alive in states.items() if alive}
    if epochs := given.json_object("metrics"):
        for run in server.store.runs.of_agent(agent_id):
            if run.active and isinstance(epoch := epochs.get(run.name), dict):
                file_stream.receive_epoch(server, run, Args(epoch))
    commands = server.scheduler.heartbeat(agent_id, reported)
    return {
        "__typename": "AgentHeartbeatPayload",
        "agent": {"__typename": "Agent", "id": given.text("id")},
        "commands": json.dumps([command_form(command) for command in commands]),
    }


def _enqueue_run(server: Server, args: Args) -> dict[str, Any]:
    given = args.input()
    sweep = _existing(server, given)
    if sweep.state.over:
        raise RequestError(f"the sweep is {sweep.state.lower()}: no agent would start the run")
    config = _plain(given.json_object("config") or {})
    params = _with_constants(config, sweep_spec(sweep.config))
    run = server.scheduler.enqueue(sweep, params, given.optional("displayName"))
    return {
        "__typename": "EnqueueSweepRunPayload",
        "id": run.name,
        "runQueueItemId": encode_id("Run", run.id),
    }


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration by its values: schedulers write ``{name: {"value": ...}}``, people do not."""
    entries = config.values()
    if all(isinstance(entry, dict) and entry.keys() == {"value"} for entry in entries):
        return {name: entry["value"] for name, entry in config.items()}
    return config


def _with_constants(config: dict[str, Any], spec: SweepSpec) -> dict[str, Any]:
    """A configuration in which the sweep's constants have their values, unless it gives others."""
    for path, parameter in spec.parameters.items():
        if not isinstance(parameter, Choice) or parameter.size != 1:
            continue
        inner = config
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                raise RequestError(f"'{name}' in the configuration must be an object")
        inner.setdefault(path[-1], parameter.values[0])
    return config


MUTATIONS = {
    "upsertSweep": _upsert_sweep,
    "enqueueSweepRun": _enqueue_run,
    "createAgent": _create_agent,
    "agentHeartbeat": _heartbeat,
}
