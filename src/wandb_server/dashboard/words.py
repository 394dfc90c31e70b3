"""What the pages say in words."""

from collections.abc import Sequence
from typing import Any

from src.sweep_language.grammar import SweepSpec
from src.sweep_language.metric import Goal
from src.wandb_server.scheduling.sweep_config import UNREADABLE, stored_spec
from src.wandb_server.states import RunState
from src.wandb_server.store.artifacts import Artifact
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep
from src.wandb_server.store.views import View

# States of a run besides the server's own.
STOPS = ("stopping", "stopped early", "withdrawn")
_PARTS_OF_ROWS = {
    "params": "hyperparameters",
    "early_stop": "early stop",
    "inherited": "inherited config and summary",
    "created_at": "time of creation",
    "heartbeat_at": "time of the last sign of life",
    "updated_at": "time of the last change",
    "prior_runs": "prior runs",
    "spec": "text",
    "wanted_aliases": "wanted aliases",
}
_PARTS = {2: "top half", 3: "top third", 4: "top quarter", 5: "top fifth"}


def number(value: float) -> str:
    """Four significant digits, but all digits of a whole number."""
    if float(value).is_integer() and abs(value) < 1e6:
        return str(int(value))
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def metric(value: float | None) -> str:
    """A metric in a column, where all have the same number of digits."""
    return "" if value is None else f"{value:#.4g}" if 1e-3 <= abs(value) < 1e4 else number(value)


def count(amount: int, noun: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def duration(seconds: float | None) -> str:
    """A span of time in its two largest units."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    for unit, name, part, part_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "m")):
        if whole >= unit:
            return f"{whole // unit}{name} {whole % unit // part}{part_name}"
    return f"{whole // 60}m {whole % 60}s" if whole >= 60 else f"{whole}s"


def size(amount: int | None) -> str:
    """A number of bytes."""
    value = float(amount or 0)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def sweep_title(sweep: Sweep) -> str:
    """A sweep's name for people: as given later, else as in its YAML, else its id."""
    return sweep.display_name or stored_spec(sweep).name or sweep.name


def lost_parts(stored: Run | Sweep | View | Artifact, lines: int | None = 0) -> list[str]:
    """What of something stored cannot be read.

    Args:
        stored: It.
        lines: How many lines of its history, events and alerts are damaged; None if all may be.
    """
    parts = [_PARTS_OF_ROWS.get(column, column) for column in stored.unreadable]
    if isinstance(stored, Sweep) and stored_spec(stored) is UNREADABLE:
        parts.append("configuration")
    if lines is None:
        parts.append("history")
    return parts + ([count(lines, "logged line")] if lines else [])


def state(run: Run) -> str:
    """How a run stands: its state, or that it was stopped before its end."""
    if run.active:
        return "stopping" if run.should_stop else run.state
    if run.withdrawn:
        return "withdrawn"
    return "stopped early" if run.stopped_early else run.state


def ended(run: Run, spec: SweepSpec | None, retried_as: str | None = None) -> str:
    """Why a run is no longer going on; nothing while it is and nobody has asked it to stop."""
    if run.withdrawn:
        return "Withdrawn, and not counted: another run has its configuration"
    if run.stopped_early or (run.active and run.should_stop):
        return _stopped(run, spec)
    if run.state is RunState.FINISHED:
        return "Ran to its end" + _too_late(run)
    if run.state is RunState.FAILED:
        code = "" if run.exitcode is None else f" with exit code {run.exitcode}"
        return f"Failed{code}; its console log may say why"
    again = f"; tried again as {retried_as}" if retried_as else ""
    if run.state is RunState.CRASHED:
        return f"Crashed: nothing more was heard of it{again}"
    if run.state is RunState.KILLED:
        queued = run.params is not None and run.agent_id is None and not run.prior
        how = "Ended before an agent was free for it" if queued else "Ended by its user"
        return f"{how}{again}"
    return "Preempted; the next free agent resumes it" if run.state is RunState.PREEMPTED else ""


def _stopped(run: Run, spec: SweepSpec | None) -> str:
    if run.early_stop is not None and spec is not None:
        return early_stop(run.early_stop, spec)
    if run.active:
        return "Asked to stop"
    return "Stopped on request" if run.should_stop else "Stopped before its end"


def _too_late(run: Run) -> str:
    """What Hyperband had to say to a run that had ended by then."""
    if run.early_stop is None:
        return ""
    return f", before the verdict of bracket {run.early_stop.get('bracket') or 0} could stop it"


def early_stop(stop: dict[str, Any], spec: SweepSpec) -> str:
    """Why Hyperband stopped a run: bracket, value, threshold."""
    settings, metric = spec.early_terminate, spec.metric_name or "the metric"
    eta = settings.eta if settings else 3.0
    part = _PARTS.get(int(eta)) if float(eta).is_integer() else None
    part = part or f"best {100 / eta:.0f} %"
    value, threshold = stop.get("value"), stop.get("threshold")
    bracket = stop.get("bracket") or 0
    begin = f"Stopped at bracket {bracket} ({count(bracket, 'logged point')})"
    if value is None:
        return f"{begin}: it had no finite {metric} to compare"
    what = metric if settings and settings.strict else f"best {metric}"
    side = "below" if spec.goal is Goal.MAXIMIZE else "above"
    if threshold is None:
        return f"{begin}: {what} {number(value)} was not in the {part}"
    shown, needed = apart(value, threshold)
    return f"{begin}: {what} {shown} was {side} the {needed} needed to stay in the {part}"


def apart(first: float, second: float) -> tuple[str, str]:
    """Two numbers with so many digits that they look different."""
    for digits in range(3, 12):
        texts = f"{first:.{digits}g}", f"{second:.{digits}g}"
        if texts[0] != texts[1]:
            return texts
    return repr(first), repr(second)


def confused(classes: Sequence[str], matrix: Sequence[Sequence[int]], top: int = 3) -> list[str]:
    """The most frequent mistakes, true class first."""
    mistakes = [
        (matrix[i][j], i, j)
        for i in range(len(classes))
        for j in range(len(classes))
        if i != j and matrix[i][j] > 0
    ]
    mistakes.sort(key=lambda mistake: (-mistake[0], mistake[1], mistake[2]))
    return [
        f"{classes[i]} taken for {classes[j]} ({n:,} of {sum(matrix[i]):,}, "
        f"{100 * n / sum(matrix[i]):.0f} %)"
        for n, i, j in mistakes[:top]
    ]
