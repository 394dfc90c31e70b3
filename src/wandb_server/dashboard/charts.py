"""Charts as plain Plotly JSON. Colours of the page's theme are put in by its script.

Texts of a chart may hold a few HTML tags, so logged names go through :func:`text`.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from src.wandb_server.dashboard.histories import Curve
from src.wandb_server.store.runs import Run

Figure = dict[str, Any]

_COUNTED, _MAX_COUNTED = ("epoch", "step", "logged points", "run"), 10

# About equally far from white and from the dark background.
PALETTE = (
    *("#3b7ddd", "#e4632d", "#2a9d5f", "#a259d9", "#d6457f"),
    *("#0e93a0", "#b7791f", "#6b76d8", "#9a6b4f", "#778899"),
)
GOOD, BAD, STOPPED = "#3b7ddd", "#e4632d", "#b7791f"
_RAMP = ((0x5B, 0x6F, 0xD6), (0xB0, 0x58, 0xB8), (0xEF, 0x7B, 0x2E))


def text(name: str, longest: int = 60) -> str:
    """A logged name as a chart's text, in which it stays what it is."""
    short = name if len(name) <= longest else name[: longest - 1] + "…"
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def run_colour(run: Run) -> str:
    """The colour of a run on every page."""
    return PALETTE[run.id % len(PALETTE)]


def ramp(share: float) -> str:
    """The colour at a place between worst (0, blue) and best (1, orange)."""
    place = min(max(share, 0.0), 1.0) * (len(_RAMP) - 1)
    low = min(int(place), len(_RAMP) - 2)
    parts = (a + (b - a) * (place - low) for a, b in zip(_RAMP[low], _RAMP[low + 1], strict=True))
    return "#" + "".join(f"{round(part):02x}" for part in parts)


def line(
    name: str, x: Sequence[Any], y: Sequence[Any], colour: str, **trace: Any
) -> dict[str, Any]:
    """A trace of a curve; points between gaps, which make no line, are shown as dots."""
    around = [None, *y, None]
    alone = any(
        here is not None and before is None and after is None
        for before, here, after in zip(around, around[1:], around[2:], strict=False)
    )
    return {
        "type": "scatter",
        "mode": "lines+markers" if alone else "lines",
        "name": text(name),
        "x": list(x),
        "y": list(y),
        "line": {"color": colour, "width": 1.8},
        "hovertemplate": "<b>%{y:.5g}</b>  %{fullData.name}<extra></extra>",
    } | trace


def figure(data: list[dict[str, Any]], x_title: str, **layout: Any) -> Figure:
    """A chart with a titled horizontal axis."""
    missing = sum(value is None for trace in data for value in trace["y"])
    if missing:
        total = sum(len(trace["y"]) for trace in data)
        note = _note(f"{missing:,} of {total:,} values: NaN or infinite")
        layout = {"annotations": [note]} | layout
    known = {value for trace in data for value in trace["y"] if value is not None}
    if len(known) == 1 and 0 < abs(value := known.pop()) < 1e300:
        # The library would show a constant small number as a line at zero.
        layout = {"yaxis": {"range": sorted([0.5 * value, 1.5 * value])}} | layout
    axis: dict[str, Any] = {"title": {"text": text(x_title)}}
    places = [place for trace in data for place in trace["x"] if place is not None]
    if places and x_title in _COUNTED and max(places) - min(places) <= _MAX_COUNTED:
        axis["dtick"] = 1  # there is no epoch 1.5
    return {"data": data, "layout": {"xaxis": axis, "showlegend": False} | layout}


def _note(note: str) -> dict[str, Any]:
    corner = {"x": 1, "y": 1, "xanchor": "right", "yanchor": "top"}
    return {"text": note, "xref": "paper", "yref": "paper", "showarrow": False, **corner}


def run_charts(curves: dict[str, Curve]) -> list[tuple[str, Figure]]:
    """The curves of one run by title; ``x`` and ``val_x`` share a chart."""
    charts = []
    for key in order_keys(curves):
        base = key.removeprefix("val_")
        if key != base and base in curves:
            continue
        together = [k for k in (base, f"val_{base}") if k in curves] if key == base else [key]
        by_epoch = all(curves[k].has_epochs for k in together)
        data = [
            line(k, *curves[k].points(by_epoch), colour=PALETTE[i]) for i, k in enumerate(together)
        ]
        title = " and ".join(together)
        charts.append(
            (title, figure(data, "epoch" if by_epoch else "step", showlegend=len(data) > 1))
        )
    return charts


def overlaid_charts(
    runs: Sequence[tuple[Run, str, dict[str, Curve]]], first: str | None
) -> list[tuple[str, Figure]]:
    """One chart a key with the curves of all runs, each with its page's address."""
    keys = order_keys({key for _, _, curves in runs for key in curves}, first)
    charts = []
    for key in keys:
        with_key = [(run, url, curves[key]) for run, url, curves in runs if key in curves]
        by_epoch = all(curve.has_epochs for _, _, curve in with_key)
        data = [
            line(run.display_name, *curve.points(by_epoch), run_colour(run), meta={"url": url})
            for run, url, curve in with_key
        ]
        charts.append((key, figure(data, "epoch" if by_epoch else "step")))
    return charts


def order_keys(keys: Iterable[str], first: str | None = None) -> list[str]:
    """Keys with what is looked at most in front."""
    usual = ("val_accuracy", "accuracy", "val_loss", "loss")

    def rank(key: str) -> tuple[int, str]:
        if key == first:
            return -1, key
        return (usual.index(key) if key in usual else len(usual)), key

    return sorted(keys, key=rank)


def histogram(bins: Sequence[float], counts: Sequence[float]) -> Figure:
    """A logged histogram, given the edges of its bins."""
    pairs = list(pairwise(bins))
    return figure(
        [
            {
                "type": "bar",
                "x": [(low + high) / 2 for low, high in pairs],
                "width": [high - low for low, high in pairs],
                "y": list(counts),
                "marker": {"color": GOOD},
                "hovertemplate": "%{y} near %{x:.4g}<extra></extra>",
            }
        ],
        "value",
        bargap=0,
    )


def finite(values: Sequence[float]) -> list[float | None]:
    """Numbers that JSON can express; gaps for the others."""
    return [value if math.isfinite(value) else None for value in values]
