"""Agents on a failing machine are benched: they are given no more runs.

A run that fails after it has logged its sweep's metric (one that diverged, say) is the fault of its
configuration. Several in a row that never come so far are the fault of where they run.
"""

import logging
from collections.abc import Sequence

from src.wandb_server.metric import metric_value
from src.wandb_server.scheduling.liveness import Liveness
from src.wandb_server.states import AgentState, RunState
from src.wandb_server.store import Store
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Agent, Sweep

MAX_IN_A_ROW = 3

_log = logging.getLogger(__name__)


def bench_if_failing(store: Store, sweep: Sweep, metric: str | None, agent_id: int) -> None:
    """Judge an agent after one of its runs has ended.

    Args:
        store: The store.
        sweep: The agent's sweep.
        metric: The name of the sweep's metric.
        agent_id: The agent.
    """
    agent = store.sweeps.agent(agent_id)
    runs = store.runs.of_agent(agent_id)
    last = [
        run for run in runs if run.state in (RunState.FINISHED, RunState.FAILED, RunState.CRASHED)
    ][-MAX_IN_A_ROW:]
    if agent is None or agent.benched or len(last) < MAX_IN_A_ROW:
        return
    if len(_came_to_nothing(store, sweep, metric, last)) == MAX_IN_A_ROW:
        store.sweeps.update_agent(agent_id, benched=1)
        _log.warning(
            "agent %s on %s gets no more runs of sweep %s: the last %d failed without logging %s",
            *(agent.name, agent.host or "an unnamed host", sweep.name, MAX_IN_A_ROW),
            metric or "anything",
        )


def spoiled(store: Store, sweep: Sweep, metric: str | None, runs: Sequence[Run]) -> set[int]:
    """The ids of the runs that came to nothing on benched agents: others are to try these."""
    benched = {agent.id for agent in store.sweeps.agents(sweep.id) if agent.benched}
    theirs = [run for run in runs if run.agent_id in benched]
    return _came_to_nothing(store, sweep, metric, theirs) if theirs else set()


def agent_state(agent: Agent, liveness: Liveness) -> AgentState:
    """Whether an agent works, has failed too often, was told to exit, or has fallen silent."""
    if agent.benched:
        return AgentState.BENCHED
    if agent.exited:
        return AgentState.FINISHED
    silence = liveness.agent_silence(agent.id)
    return AgentState.CRASHED if silence > liveness.crash_after else AgentState.RUNNING


def _came_to_nothing(
    store: Store, sweep: Sweep, metric: str | None, runs: Sequence[Run]
) -> set[int]:
    """Those that have failed or crashed by themselves, without a value of the metric."""
    wrong = [
        r for r in runs if r.state in (RunState.FAILED, RunState.CRASHED) and not r.should_stop
    ]
    if metric is None:
        return {run.id for run in wrong if not store.runs.line_count(run.id, "history")}
    logged = store.runs.metric_histories(sweep.id)
    return {
        run.id
        for run in wrong
        if run.id not in logged and metric_value(run.summary, metric) is None
    }
