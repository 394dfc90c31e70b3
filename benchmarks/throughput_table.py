"""The tables of a throughput measurement, in Markdown."""

from collections.abc import Iterable
from typing import Any

from benchmarks.machine import describe
from benchmarks.samples import Summary, median_ratio
from benchmarks.ways import BASE, OURS, WAYS

# How far losses may be from those of Keras `fit`, relatively: over the first epoch, by the order of
# its batches; at the first steps on a single batch, by rounding, and by what frameworks define
# differently. resnet: PyTorch pads a convolution with strides on all sides, the others on two,
# which after some steps is seen: it has a tolerance of its own.
# rnn: Keras's Adam squares the parts of a word's gradient, one for each of its places in the batch,
# instead of their sum; PyTorch's LSTM has two biases; its Adam's epsilon is another one.
EPOCH_TOLERANCE = 0.3
STEP_TOLERANCES = {"mlp": 1e-3, "cnn": 1e-3, "resnet": 3e-2, "rnn": 1e-2}
OTHER_PADDING = {("resnet", "torch"): 0.1, ("resnet", "torch_compiled"): 0.1}
_HEADS = (
    "how",
    "examples/s, median",
    "min - max",
    "against Keras `fit`",
    "Gradsweep against it",
    "of peak",
)


# What the README has: these ways, in this precision.
_SUMMARY_WAYS, _SUMMARY_PRECISION = ("keras", "torch", "jax"), "float32"


def tables(measured: dict[str, Any]) -> str:
    """All tables of a measurement: Gradsweep's ratios, and, folded, what they are made of.

    Args:
        measured: The ``machine``, ``versions``, ``peak`` (precision to FLOP/s) and ``tables``, as
            :mod:`benchmarks.throughput` gathers them.
    """
    peaks = ", ".join(
        f"{peak / 1e9:,.0f} GFLOP/s in {precision}" for precision, peak in measured["peak"].items()
    )
    first = f"{describe(measured['machine'], measured['versions'])}. Matrix-multiply peak: {peaks}."
    parts = [first]
    for precision in measured["peak"]:
        of_precision = [t for t in measured["tables"] if t["precision"] == precision]
        parts += [
            f"**{precision}**: how many times as fast as each Gradsweep is (medians of the rounds)",
            _ratios(of_precision, measured),
            f"<details><summary>Medians, spread and shares of the peak, {precision}</summary>",
            *(_section(table, measured["peak"]) for table in of_precision),
            "</details>",
        ]
    return "\n\n".join(parts)


def summary(measured: dict[str, Any]) -> str:
    """Gradsweep's ratios to its main peers, and where they were measured."""
    chosen = [t for t in measured["tables"] if t["precision"] == _SUMMARY_PRECISION]
    lines = _ratio_lines(chosen, _SUMMARY_WAYS)
    return "\n".join(lines) + f"\n\n{describe(measured['machine'], measured['versions'])}."


def _ratio_lines(of_precision: list[dict[str, Any]], ways: Iterable[str]) -> list[str]:
    """A column a model: Gradsweep's ratio to each way that was measured."""
    lines = [
        f"| Gradsweep against | {' | '.join(t['family'] for t in of_precision)} |",
        f"|---|{'--:|' * len(of_precision)}",
    ]
    for way in ways:
        cells = [_ratio(_rates(t, OURS), _rates(t, way)) for t in of_precision]
        if way != OURS and any(cells):
            lines.append(f"| {WAYS[way].title} | {' | '.join(cells)} |")
    return lines


def _ratios(of_precision: list[dict[str, Any]], measured: dict[str, Any]) -> str:
    """Gradsweep's ratio to every way, then its own rate."""
    lines = _ratio_lines(of_precision, WAYS)
    lines += _against_float32(of_precision, measured["tables"])
    rates = [_rates(t, OURS) for t in of_precision]
    if any(rates):
        cells = [f"{Summary.of(rate).median:,.0f}" if rate else "" for rate in rates]
        lines.append(f"| Gradsweep, examples/s | {' | '.join(cells)} |")
    return "\n".join(lines)


def _against_float32(of_precision: list[dict[str, Any]], every: list[dict[str, Any]]) -> list[str]:
    """Where another precision pays: its ratios to Keras and to Gradsweep in float32, if any."""
    plain = {t["family"]: t for t in every if t["precision"] == "float32"}
    if any(t["precision"] == "float32" for t in of_precision):
        return []
    lines = []
    for way in (BASE, OURS):
        pairs = [(_rates(t, OURS), _rates(plain.get(t["family"], {}), way)) for t in of_precision]
        cells = [
            f"{Summary.of(ours).median / Summary.of(theirs).median:.2f}" if ours and theirs else ""
            for ours, theirs in pairs
        ]
        if any(cells):
            lines.append(f"| {WAYS[way].title} in float32 | {' | '.join(cells)} |")
    return lines


def _section(table: dict[str, Any], peaks: dict[str, float]) -> str:
    title = (
        f"**{table['title']}**, {table['precision']}, batch {table['batch_size']}, Adam, "
        f"{table['examples']:,} examples, {table['training_flops'] / 1e6:,.1f} MFLOP an example:"
    )
    lines = [f"| {' | '.join(_HEADS)} |", "|---|--:|--:|--:|--:|--:|"]
    lines += [_line(way, table, peaks[table["precision"]]) for way in table["rows"]]
    return f"{title}\n\n" + "\n".join(lines)


def _line(way: str, table: dict[str, Any], peak: float) -> str:
    row = table["rows"][way]
    note = f" ({row['note']})" if row.get("note") else ""
    title = f"{WAYS[way].title}{note}"
    if "error" in row:
        return f"| {title} | failed: {_escaped(row['error'])} | | | | |"
    rates = _rates(table, way)
    summary = Summary.of(rates)
    ratios = (
        _ratio(rates, _rates(table, BASE)),
        _ratio(_rates(table, OURS), rates) if way != OURS else "",
    )
    share = f"{summary.median * table['training_flops'] / peak:.0%}" if peak else ""
    return (
        f"| {title} | {summary.median:,.0f} | {summary.least:,.0f} - {summary.most:,.0f} "
        f"| {ratios[0]} | {ratios[1]} | {share} |"
    )


def _rates(table: dict[str, Any], way: str) -> list[float]:
    """Examples per second of each round; none if the way was not measured."""
    seconds = table.get("rows", {}).get(way, {}).get("seconds", [])
    return [table["examples"] / value for value in seconds]


def _ratio(ours: list[float], theirs: list[float]) -> str:
    return f"{median_ratio(ours, theirs):.2f}" if ours and theirs else ""


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def differing(measured: dict[str, Any]) -> list[str]:
    """The ways whose losses do not agree with those of Keras ``fit``: what to say of each."""
    said = []
    for table in measured["tables"]:
        rows = {way: row for way, row in table["rows"].items() if "error" not in row}
        if BASE not in rows:
            continue
        for way, row in rows.items():
            ours, theirs = _losses(row), _losses(rows[BASE])
            family = table["family"]
            steps = OTHER_PADDING.get((family, way), STEP_TOLERANCES[family])
            tolerances = {"steps": steps, "epoch": EPOCH_TOLERANCE}
            for name, tolerance in tolerances.items():
                pairs = zip(ours[name], theirs[name], strict=True)
                if any(abs(a - b) > tolerance * b for a, b in pairs):
                    said.append(
                        f"{WAYS[way].title}, {family} in {table['precision']}, first "
                        f"{name}: mean loss {ours[name]}, Keras `fit` has {theirs[name]}"
                    )
    return said


def _losses(row: dict[str, Any]) -> dict[str, list[float]]:
    return {"steps": row["first_losses"], "epoch": [row["first_epoch"]["loss"]]}
