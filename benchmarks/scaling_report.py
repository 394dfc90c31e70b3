"""The tables and the figure of a scaling measurement."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from benchmarks.samples import Summary, median_ratio
from benchmarks.ways import BASE, OURS, WAYS
from src.reporting.figures import new_figure

_MIB = 2**20
_AXES = {
    "width": "width (units in each layer)",
    "depth": "depth (hidden layers)",
    "batch size": "batch size (examples)",
    "examples": "examples in an epoch",
}


def tables(measured: dict[str, Any]) -> str:
    """Time per example by size, and memory by family, in Markdown.

    Args:
        measured: ``examples`` of an epoch where they do not grow, ``points`` (what grows, its
            size, its examples, rows of seconds) and ``memory`` (family to rows), as
            :mod:`benchmarks.scaling` gathers them.
    """
    head = f"Keras `fit`, µs | {WAYS[OURS].title}, µs | ratio"
    lines = [f"| MLP: what grows | to | {head} |", "|---|--:|--:|--:|--:|"]
    lines += [_point_line(point) for point in measured["points"]]
    memory = ["| peak memory | Keras `fit`, MiB | Gradsweep, MiB |", "|---|--:|--:|"]
    memory += [
        f"| {family} | {_mebibytes(rows[BASE])} | {_mebibytes(rows[OURS])} |"
        for family, rows in measured["memory"].items()
    ]
    return (
        "Time per example (median), as one thing grows and the others stay at 3 layers of 128, "
        f"batch 64, {measured['examples']:,} examples:\n\n{chr(10).join(lines)}\n\n"
        f"A process that trains one model, with its libraries:\n\n{chr(10).join(memory)}"
    )


def _point_line(point: dict[str, Any]) -> str:
    base, ours = (microseconds(point, way) for way in (BASE, OURS))
    cells = [f"{Summary.of(times).median:,.1f}" if times else "failed" for times in (base, ours)]
    ratio = f"{median_ratio(base, ours):.1f}" if base and ours else ""
    return f"| {point['what']} | {point['size']:,} | {cells[0]} | {cells[1]} | {ratio} |"


def microseconds(point: dict[str, Any], way: str) -> list[float]:
    """Time per example in each round; none if the way failed."""
    seconds: list[float] = point["rows"][way].get("seconds", [])
    return [value / point["examples"] * 1e6 for value in seconds]


def _mebibytes(row: dict[str, Any]) -> str:
    return f"{row['memory'] / _MIB:,.0f}" if "memory" in row else "failed"


def figure(points: Sequence[dict[str, Any]]) -> Figure:
    """Time per example against each size, on logarithmic axes, with the range of the rounds."""
    growing = list(dict.fromkeys(point["what"] for point in points))
    drawing = new_figure(3.4 * len(growing), 3.4)
    axes = drawing.subplots(1, len(growing), sharey=True)
    for what, panel in zip(growing, axes, strict=True):
        for way in (BASE, OURS):
            measured = [
                (point["size"], Summary.of(times))
                for point in points
                if point["what"] == what and (times := microseconds(point, way))
            ]
            sizes = [size for size, _ in measured]
            line = panel.plot(sizes, [s.median for _, s in measured], "o-", label=_title(way))[0]
            least, most = ([getattr(s, end) for _, s in measured] for end in ("least", "most"))
            panel.fill_between(sizes, least, most, color=line.get_color(), alpha=0.2)
        panel.set(xscale="log", yscale="log", xlabel=_AXES[what])
        grown = [point["size"] for point in points if point["what"] == what]
        panel.set_xticks(grown, [f"{size:,}" for size in grown])
        panel.set_xticks([], minor=True)
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.grid(alpha=0.3)
    axes[0].set_ylabel("training time (µs per example)")
    axes[0].legend()
    return drawing


def _title(way: str) -> str:
    return WAYS[way].title.replace("`", "")
