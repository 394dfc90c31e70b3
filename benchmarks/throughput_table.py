"""The tables of a throughput measurement, in Markdown."""

from typing import Any

from benchmarks.machine import describe
from benchmarks.samples import Summary, median_ratio
from benchmarks.ways import BASE, OURS, WAYS

# How far losses may be from those of Keras `fit`, relatively: over the first epoch, by the order of
# its batches; at the first steps on a single batch, by rounding, and by what frameworks define
# differently. resnet: PyTorch pads a convolution with strides on all sides, the others on two.
# rnn: Keras's Adam squares the parts of a word's gradient, one for each of its places in the batch,
# instead of their sum; PyTorch's LSTM has two biases; its Adam's epsilon is another one.
EPOCH_TOLERANCE = 0.3
STEP_TOLERANCES = {"mlp": 1e-3, "cnn": 1e-3, "resnet": 3e-2, "rnn": 1e-2}
_HEADS = (
    "how",
    "examples/s, median",
    "min - max",
    "against Keras `fit`",
    "Gradsweep against it",
    "of peak",
)


def tables(measured: dict[str, Any]) -> str:
    """All tables of a measurement.

    Args:
        measured: ``machine``, ``versions``, ``peak`` (precision to FLOP/s) and ``tables``, as
            :mod:`benchmarks.throughput` gathers them.
    """
    peaks = ", ".join(
        f"{peak / 1e9:,.0f} GFLOP/s in {precision}" for precision, peak in measured["peak"].items()
    )
    first = f"{describe(measured['machine'], measured['versions'])}. Matrix-multiply peak: {peaks}."
    return "\n\n".join([first, *(_section(t, measured["peak"]) for t in measured["tables"])])


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
    seconds = table["rows"].get(way, {}).get("seconds", [])
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
            tolerances = {"steps": STEP_TOLERANCES[table["family"]], "epoch": EPOCH_TOLERANCE}
            for name, tolerance in tolerances.items():
                pairs = zip(ours[name], theirs[name], strict=True)
                if any(abs(a - b) > tolerance * b for a, b in pairs):
                    said.append(
                        f"{WAYS[way].title}, {table['family']} in {table['precision']}, first "
                        f"{name}: mean loss {ours[name]}, Keras `fit` has {theirs[name]}"
                    )
    return said


def _losses(row: dict[str, Any]) -> dict[str, list[float]]:
    return {"steps": row["first_losses"], "epoch": [row["first_epoch"]["loss"]]}
