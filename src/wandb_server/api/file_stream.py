"""The ``file_stream`` endpoint: history, events, log and summary of a run, as they grow."""

from typing import Any

from src.wandb_server.api.arguments import Args, parse_json
from src.wandb_server.context import Server
from src.wandb_server.errors import RequestError
from src.wandb_server.metric import metric_value
from src.wandb_server.scheduling.attempts import heard_again
from src.wandb_server.scheduling.endings import end_run
from src.wandb_server.scheduling.sweep_config import stored_spec
from src.wandb_server.states import RunState
from src.wandb_server.store import Store
from src.wandb_server.store.forms import line as decoded_line
from src.wandb_server.store.runs import Run
from src.wandb_server.store.stamps import now

_STREAMS = {
    "wandb-history.jsonl": "history",
    "wandb-events.jsonl": "events",
    "output.log": "log",
}
INTERRUPTED = 255  # the exit code that the client sends after Ctrl-C
MAX_POSITION = 2**53


def receive(server: Server, run: Run, body: Any) -> dict[str, Any]:
    """Store one request of a run's stream and answer it, inside of the caller's transaction.

    Lines are keyed by their offset, so a request that is sent again after a lost reply changes
    nothing.

    Args:
        server: Its scheduler and liveness are told what the run has said.
        run: The run, as it is in this transaction.
        body: The decoded JSON body.

    Returns:
        The reply's body.

    Raises:
        RequestError: The body is malformed; nothing may be stored then.
    """
    if not isinstance(body, dict):
        raise RequestError("the body must be an object")
    files = {} if body.get("files") is None else body["files"]
    if not isinstance(files, dict):
        raise RequestError("'files' must be an object")
    store, scheduler = server.store, server.scheduler
    server.liveness.run_spoke(run.id)
    store.runs.update(run.id, heartbeat_at=now(), state=_state(run, body))
    exitcode = Args(body).integer("exitcode", 1) if body.get("complete") is True else None
    if run.state is RunState.CRASHED and not exitcode:  # it goes on, or it is done
        heard_again(store, run)
    for name, chunk in files.items():
        _store_chunk(store, run, name, *_chunk(chunk))
    current = store.runs.get(run.id)
    assert current is not None
    if "wandb-history.jsonl" in files:
        scheduler.metric_logged(current)
    if exitcode is not None:
        end_run(store, current, _end_state(current, exitcode), exitcode)
    return {"exitcode": None, "limits": {}, "stopped": scheduler.tell_run(run.id)}


def receive_epoch(server: Server, run: Run, epoch: Args) -> None:
    """Judge a run by a point that its agent tells of, ahead of the run's own upload.

    The upload, which the client sends once a second at most, brings the same value again. Only the
    warm agents of this project do so, in ``metrics``, which W&B's own leave empty.

    Raises:
        RequestError: The point is malformed.
    """
    metric, position = _sweep_metric(server.store, run), epoch.integer("position", -1)
    if not 0 <= position < MAX_POSITION:
        raise RequestError("'position' must be a natural number")
    value = metric_value(epoch.json_object("values") or {}, metric) if metric else None
    # Behind one that was lost on its way it would be judged as the one before.
    if value is not None and position <= server.store.runs.metric_count(run.id):
        server.store.runs.put_metric_values(run.id, [(position, value)])
        server.scheduler.metric_logged(run)


def _state(run: Run, body: dict[str, Any]) -> RunState:
    if body.get("preempting") is True and (run.active or run.state is RunState.CRASHED):
        return RunState.PREEMPTING
    return RunState.RUNNING if run.state in (RunState.CRASHED, RunState.PENDING) else run.state


def _end_state(run: Run, exitcode: int) -> RunState:
    if exitcode == 0:
        return RunState.FINISHED
    if run.state is RunState.PREEMPTING:
        return RunState.PREEMPTED
    return RunState.KILLED if exitcode == INTERRUPTED else RunState.FAILED


def _chunk(chunk: Any) -> tuple[int, list[str]]:
    offset = chunk.get("offset", 0) if isinstance(chunk, dict) else None
    content = chunk.get("content", []) if isinstance(chunk, dict) else None
    if type(offset) is not int or not 0 <= offset < MAX_POSITION:
        raise RequestError("'offset' must be a natural number")
    if not isinstance(content, list) or not all(isinstance(line, str) for line in content):
        raise RequestError("'content' must be a list of strings")
    return offset, content


def _store_chunk(store: Store, run: Run, name: str, offset: int, content: list[str]) -> None:
    if name == "wandb-summary.json":
        if content:
            store.runs.update(run.id, summary=_object(content[-1]))
        return
    stream = _STREAMS.get(name)
    if stream is None or not content:
        return
    if stream == "log":
        store.runs.put_lines(run.id, stream, [(offset + i, None, t) for i, t in enumerate(content)])
        return
    rows = [_object(line) for line in content]
    if _started_anew(store, run, stream, offset, content[0]):
        store.runs.clear_lines(run.id, stream)
    store.runs.put_lines(
        run.id,
        stream,
        [
            (offset + i, _step(row), text)
            for i, (row, text) in enumerate(zip(rows, content, strict=True))
        ],
    )
    if stream == "history" and (metric := _sweep_metric(store, run)):
        values = [(offset + i, metric_value(row, metric)) for i, row in enumerate(rows)]
        store.runs.put_metric_values(run.id, [(i, v) for i, v in values if v is not None])


def _started_anew(store: Store, run: Run, stream: str, offset: int, line: str) -> bool:
    """Whether a line is not the next one, nor sent again, but the first of a new attempt.

    A program that takes an existing run's id without resuming it, and ``wandb sync`` of a run that
    is here already, count lines on from those that are here, and steps from 0 again.
    """
    before = store.runs.line(run.id, stream, max(0, offset - 1))
    if before is None:
        return False
    if offset == 0:
        return before != line
    last, step = _step(decoded_line(before) or {}), _step(_object(line))
    return stream == "history" and last is not None and step is not None and step <= last


def _object(line: str) -> dict[str, Any]:
    value = parse_json(line, "content")
    if not isinstance(value, dict):
        raise RequestError("a line is not a JSON object")
    return value


def _step(row: dict[str, Any]) -> int | None:
    step = row.get("_step")
    if isinstance(step, bool) or not isinstance(step, int | float) or not abs(step) < MAX_POSITION:
        return None
    return int(step)


def _sweep_metric(store: Store, run: Run) -> str | None:
    sweep = store.sweeps.get(run.sweep_id) if run.sweep_id is not None else None
    return stored_spec(sweep).metric_name if sweep else None
