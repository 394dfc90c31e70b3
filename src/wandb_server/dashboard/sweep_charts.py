"""The charts of a sweep: best so far, learning curves with brackets, parallel coordinates."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from src.sweep_language.distributions import Log, Numeric
from src.sweep_language.early_terminate import brackets
from src.sweep_language.grammar import SweepSpec
from src.sweep_language.metric import Goal
from src.wandb_server.api.history import sample
from src.wandb_server.dashboard import charts, words
from src.wandb_server.dashboard.addresses import run_url
from src.wandb_server.dashboard.listing import Row
from src.wandb_server.metric import as_number
from src.wandb_server.search.early_termination import threshold
from src.wandb_server.store.projects import Project
from src.wandb_server.store.sweeps import Sweep

MAX_CURVES = 100  # learning curves that are drawn, evenly from the best run to the worst
MAX_LINES = 1_000  # of the parallel coordinates: the best runs
_CURVE_POINTS = 200
_FARTHEST = 1e300  # of a value on an axis: differences between values stay finite
_BINS = 24  # shades of the parallel coordinates; lines of one shade are one trace

Histories = Mapping[int, Sequence[float]]


@dataclass(frozen=True)
class Bracket:
    """A number of logged points at which Hyperband compares runs.

    Attributes:
        points: The number.
        runs: How many runs have come to it.
        needed: The value that a run needs there now to go on; None if no finite one would do.
    """

    points: int
    runs: int
    needed: float | None


def charts_of(
    project: Project,
    sweep: Sweep,
    spec: SweepSpec,
    rows: Sequence[Row],
    histories: Histories,
    reached: Sequence[Bracket],
    varied: Sequence[str],
) -> dict[str, charts.Figure]:
    """The charts by name; one that has nothing to show is absent."""
    measured = [row for row in rows if row.best is not None]
    found: dict[str, charts.Figure] = {}
    if measured:
        found["best_over_time"] = _best_so_far(project, sweep, spec, measured, over_time=True)
        found["best_over_runs"] = _best_so_far(project, sweep, spec, measured, over_time=False)
        if varied:
            found["parallel"] = _parallel(project, spec, measured, varied)
    if histories:
        found["curves"] = _learning_curves(project, spec, rows, histories, reached)
    return found


def _best_so_far(
    project: Project, sweep: Sweep, spec: SweepSpec, rows: Sequence[Row], over_time: bool
) -> charts.Figure:
    began = datetime.fromisoformat(sweep.created_at)

    def place(row: Row) -> float:
        if not over_time:
            return numbers[row.run.id]
        minutes = (datetime.fromisoformat(row.run.heartbeat_at) - began).total_seconds() / 60
        return max(0.0, minutes)

    numbers = {row.run.id: n for n, row in enumerate(rows, start=1)}
    ordered = sorted(rows, key=place)
    better = max if spec.goal is Goal.MAXIMIZE else min
    best: list[float] = []
    for row in ordered:
        assert row.best is not None
        best.append(better(best[-1], row.best) if best else row.best)
    x = [place(row) for row in ordered]
    dots = charts.line("", x, [row.best for row in ordered], charts.GOOD) | {
        "mode": "markers",
        "marker": {"color": [row.colour for row in ordered], "size": 7, "opacity": 0.85},
        "text": [f"{charts.text(row.run.display_name)}, {row.state}" for row in ordered],
        "customdata": [run_url(project, row.run) for row in ordered],
        "hovertemplate": "<b>%{y:.5g}</b>  %{text}<extra></extra>",
        "meta": {"urls": True},
    }
    steps = charts.line("best so far", x, best, charts.BAD)
    steps["line"] |= {"shape": "hv", "width": 2.2}
    title = "minutes since the sweep began" if over_time else "run"
    return charts.figure([steps, dots], title, hovermode="closest")


def reached_brackets(spec: SweepSpec, histories: Histories) -> list[Bracket]:
    """The brackets that runs have gone beyond: one at their last point has nothing to stop."""
    if spec.early_terminate is None:
        return []
    longest = max(map(len, histories.values()), default=0)
    found = []
    for bracket in brackets(spec.early_terminate):
        if bracket >= longest:
            break
        there = [values[bracket - 1] for values in histories.values() if len(values) >= bracket]
        needed = threshold(spec.early_terminate, spec.goal, there)
        found.append(Bracket(bracket, len(there), needed if math.isfinite(needed) else None))
    return found


def _learning_curves(
    project: Project,
    spec: SweepSpec,
    rows: Sequence[Row],
    histories: Histories,
    reached: Sequence[Bracket],
) -> charts.Figure:
    with_history = [row for row in rows if histories.get(row.run.id)]
    with_history.sort(key=lambda row: _rank(row, spec))
    best = with_history[0]
    data = [
        _learning_curve(project, row, histories[row.run.id], best=row is best)
        for row in sample(with_history, MAX_CURVES)
    ]
    data += [_needed(b.points, b.needed) for b in reached if b.needed is not None]
    shapes, notes = [], []
    for bracket in reached:
        at = bracket.points
        shapes.append({"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1})
        shapes[-1] |= {"line": {"width": 1, "dash": "dash"}, "layer": "below", "name": "bracket"}
        notes.append({"x": at, "yref": "paper", "y": 1, "yanchor": "bottom", "showarrow": False})
        notes[-1]["text"] = str(at)
    layout = {"shapes": shapes, "annotations": notes, "hovermode": "closest"}
    return charts.figure(data, "logged points", **layout)


def _learning_curve(
    project: Project, row: Row, values: Sequence[float], *, best: bool
) -> dict[str, Any]:
    """A run's values; a cross at the end of one that was stopped early."""
    pairs = sample(list(enumerate(charts.finite(values), start=1)), _CURVE_POINTS)
    trace = charts.line(
        row.run.display_name, [p for p, _ in pairs], [v for _, v in pairs], row.colour
    )
    stopped = row.run.stopped_early
    trace["line"] |= {"width": 3 if best else 1.6, "dash": "dot" if stopped else "solid"}
    last = len(pairs) - 1
    plain = not stopped and last > 0
    marker = {
        "symbol": ["circle"] * last + ["x" if stopped else "circle"],
        "size": [0] * last + [0 if plain else 9],
        "opacity": 1,
    }
    meta = {"url": run_url(project, row.run)}
    return trace | {"meta": meta, "mode": "lines+markers", "marker": marker}


def _needed(at: int, value: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [at],
        "y": [value],
        "marker": {"symbol": "line-ew", "size": 22, "line": {"width": 3, "color": charts.STOPPED}},
        "hovertemplate": f"needed at {at}: <b>{words.number(value)}</b><extra></extra>",
    }


def _rank(row: Row, spec: SweepSpec) -> float:
    return math.inf if row.best is None else spec.goal.sign * row.best


def _parallel(
    project: Project, spec: SweepSpec, rows: Sequence[Row], varied: Sequence[str]
) -> charts.Figure:
    """Each run a line through its parameters and its metric.

    Lines are grouped by shade, with gaps between; the page's script filters and highlights them.
    """
    shown = sorted(rows, key=lambda row: _rank(row, spec))[:MAX_LINES]
    axes = [_axis(name, [row.config.get(name) for row in shown], spec) for name in varied]
    bests = [row.best for row in shown if row.best is not None]
    values = [min(max(best, -_FARTHEST), _FARTHEST) for best in bests]
    axes.append(_numeric_axis(spec.metric_name or "metric", values, logarithmic=False))
    low, high = min(values), max(values)
    lines = []
    for i, (row, value) in enumerate(zip(shown, values, strict=True)):
        share = (value - low) / (high - low) if high > low else 1.0
        good = share if spec.goal is Goal.MAXIMIZE else 1 - share
        lines.append(
            {
                "name": charts.text(row.run.display_name),
                "url": run_url(project, row.run),
                "y": [axis["places"][i] for axis in axes],
                "said": [axis["said"][i] for axis in axes],
                "bin": round(good * (_BINS - 1)),
            }
        )
    return {
        "data": [],
        "layout": {},
        "parallel": {
            "axes": [{k: axis[k] for k in ("title", "ticks")} for axis in axes],
            "lines": lines,
            "colours": [charts.ramp(i / (_BINS - 1)) for i in range(_BINS)],
        },
    }


def _axis(name: str, values: Sequence[Any], spec: SweepSpec) -> dict[str, Any]:
    parameter = spec.parameters.get(tuple(name.split(".")))
    known = [number for v in values if (number := as_number(v)) is not None]
    numbers = [number for number in known if abs(number) <= _FARTHEST]
    if isinstance(parameter, Numeric) and len(numbers) == len(values):
        return _numeric_axis(name, numbers, isinstance(parameter.shape, Log))
    kinds = sorted({_said(v) for v in values}, key=_natural)
    place = {kind: (i + 0.5) / len(kinds) for i, kind in enumerate(kinds)}
    return {
        "title": charts.text(name),
        "places": [place[_said(v)] for v in values],
        "said": [charts.text(_said(v)) for v in values],
        "ticks": [[place[kind], charts.text(kind)] for kind in kinds],
    }


def _said(value: Any) -> str:
    return words.number(float(value)) if isinstance(value, float) else str(value)


def _natural(value: str) -> tuple[int, float, str]:
    try:
        return 0, float(value), value
    except ValueError:
        return 1, 0.0, value


def _numeric_axis(name: str, values: Sequence[float], logarithmic: bool) -> dict[str, Any]:
    logarithmic = logarithmic and min(values) > 0
    scale = [math.log(v) for v in values] if logarithmic else [float(v) for v in values]
    low, high = min(scale), max(scale)
    span = (high - low) or 1.0
    ends = [low + span * share for share in (0, 0.25, 0.5, 0.75, 1)] if high > low else [low]
    return {
        "title": charts.text(name),
        "places": [(v - low) / span if high > low else 0.5 for v in scale],
        "said": [words.number(float(v)) for v in values],
        "ticks": [
            [
                (end - low) / span if high > low else 0.5,
                words.number(float(f"{math.exp(end) if logarithmic else end:.3g}")),
            ]
            for end in ends
        ],
    }
