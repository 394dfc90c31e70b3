"""How often a sweep's page names the hyperparameter that matters, and how often one that does not.

Sweeps are made up in which one hyperparameter of seven makes half of the variance of the results,
or none does. For each kind of effect and each number of runs: how often the one that matters comes
first by importance as the page has it, by its p-value, by W&B's importance and by the size of W&B's
correlation; and how often the page says that something mattered, in four times as many sweeps, but
for those searched by Bayes, which take long.

    python -m benchmarks.importance --sweeps 50
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
from scipy.stats import binomtest

from benchmarks import results
from benchmarks.machine import describe, machine
from benchmarks.planted import EFFECTS, planted, stopped_early
from src.shared.command import Parser, run_command
from src.wandb_server.dashboard.importance import scales_of
from src.wandb_server.importance.evidence import LEVEL, MOST_RUNS, Evidence
from src.wandb_server.importance.factors import factors
from src.wandb_server.importance.findings import Importance, findings

SIZES = (10, 20, 50)
# What comes first by each.
ORDERS: dict[str, Callable[[Importance], float]] = {
    "importance": lambda item: item.share,
    "p-value": lambda item: -item.p,
    "W&B importance": lambda item: item.impurity,
    "W&B correlation": lambda item: abs(item.correlation or 0.0),
}


def _diverging(rng: np.random.Generator) -> float:
    return -9.0 if rng.random() < 0.1 else float(rng.normal())


# Sweeps by what is odd about them: their numbers of runs, and how they are made.
SWEEPS: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "random search": (SIZES, {}),
    "a fifth of the variance": ((20, 70), {"share": 0.2}),
    "searched by Bayes": ((20,), {"method": "bayes"}),
    "one run in ten diverges": ((20,), {"noise": _diverging}),
}
# What of the runs that Hyperband stops is looked at.
STOPPED = {"stopped early": 0, "stopped early, those left out": 1}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=50, help="of each kind (default 50)")
    parser.add_argument(
        "--write_docs", action="store_true", help="measure nothing: the saved results' tables"
    )
    options = parser.parse_args(arguments)
    whole = options.write_docs or options.sweeps >= parser.get_default("sweeps")
    measured = results.load("importance") if options.write_docs else measure(options.sweeps, whole)
    results.publish("importance", measured, text(measured), whole=whole)


def measure(sweeps: int, whole: bool) -> dict[str, Any]:
    """All counts, saved as they are gathered."""
    measured: dict[str, Any] = {"machine": machine(), "sweeps": sweeps, "first": [], "said": []}
    for part, row in _rows(sweeps):
        measured[part].append(row)
        results.save("importance", measured, whole=whole)
    return measured


def _rows(sweeps: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for runs, effect in product(SIZES, EFFECTS):
        yield "first", _first(effect, runs, sweeps)
    for kind, (sizes, options) in SWEEPS.items():
        many = sweeps if "method" in options else 4 * sweeps
        for runs, effect in product(sizes, EFFECTS):
            yield "said", _said(kind, effect, runs, many, options)
    for (kind, part), effect in product(STOPPED.items(), EFFECTS):
        yield "said", _said(kind, effect, 40, 4 * sweeps, {}, part)


def _first(effect: str, runs: int, sweeps: int) -> dict[str, Any]:
    """How often each order finds what matters, and what it says of its own error."""
    print(f"first: {effect}, {runs} runs", flush=True)
    matters, counts = EFFECTS[effect], dict.fromkeys(ORDERS, 0)
    top, shares, spreads = [], [], []
    for seed in range(sweeps):
        spec, trials = planted(effect, runs, seed)
        found = findings(trials, True, scales_of(spec))
        assert found is not None
        top.append(max(item.impurity for item in found.items))
        if matters is not None:
            [real] = [item for item in found.items if item.name == matters[0]]
            shares.append(real.share)
            spreads.append(real.spread)
            for order, key in ORDERS.items():
                counts[order] += max(found.items, key=key) is real
    row = {"effect": effect, "runs": runs, "sweeps": sweeps, "top": float(np.mean(top))}
    if matters is not None:
        row |= {"counts": counts, "spread": float(np.std(shares)), "told": float(np.mean(spreads))}
    return row


def _said(
    kind: str,
    effect: str,
    runs: int,
    sweeps: int,
    options: dict[str, Any],
    part: int | None = None,
) -> dict[str, Any]:
    """How often something is told; ``part`` is of what early stopping leaves."""
    print(f"said: {kind}, {effect}, {runs} runs", flush=True)
    matters = EFFECTS[effect]
    row: dict[str, Any] = {"kind": kind, "effect": effect, "runs": runs, "sweeps": sweeps}
    row |= {"said": 0, "right": 0, "needed": []}
    for seed in range(sweeps):
        spec, trials = planted(effect, runs, seed, **options)
        trials = trials if part is None else stopped_early(trials, seed)[part]
        values = np.array([result for _, result in trials])
        tested = [(Evidence(one, values), one) for one in factors(trials, scales_of(spec))]
        level = LEVEL / len(tested)
        evidence, likeliest = min(tested, key=lambda pair: pair[0].p)
        told = evidence.p < level
        row["said"] += told
        row["right"] += told and matters is not None and likeliest.name == matters[0]
        if not told:
            row["needed"].append(evidence.runs_needed(level))
    return row


def text(measured: dict[str, Any]) -> str:
    """Where it was measured, and the tables."""
    first = measured["first"]
    top = ", ".join(
        f"{row['top']:.2f} ({row['runs']} runs)" for row in first if row["effect"] == "none"
    )
    real = [row for row in first if row["effect"] != "none"]
    ratio = np.sum([row["told"] for row in real]) / np.sum([row["spread"] for row in real])
    return "\n\n".join(
        [
            f"{describe(measured['machine'], {})}. Shares of sweeps with 95 % intervals (Wilson).",
            "How often the one that matters comes first:",
            _firsts(real),
            f"With nothing that matters, W&B's importance still gives its first {top} on average."
            f" The spread that is told is {ratio:.2f} times that over sweeps.",
            "How often something is said to matter, and how many runs it would take (median) where "
            "it is not:",
            _saids(measured["said"]),
        ]
    )


def _firsts(rows: Sequence[dict[str, Any]]) -> str:
    lines = [f"| runs | what matters | sweeps | {' | '.join(ORDERS)} |"]
    lines.append("|--:|---|--:|" + "--:|" * len(ORDERS))
    for row in rows:
        cells = [_share(row["counts"][order], row["sweeps"]) for order in ORDERS]
        what = f"{row['runs']} | {row['effect']} | {row['sweeps']}"
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _saids(rows: Sequence[dict[str, Any]]) -> str:
    head = "nothing matters: said | one matters: said | that one | runs needed"
    lines = [f"| sweeps | runs | of each effect | {head} |", "|---|--:|--:|--:|--:|--:|--:|"]
    for kind, runs in dict.fromkeys((row["kind"], row["runs"]) for row in rows):
        own = [row for row in rows if (row["kind"], row["runs"]) == (kind, runs)]
        [null] = [row for row in own if row["effect"] == "none"]
        real = [row for row in own if row is not null]
        total = sum(row["sweeps"] for row in real)
        cells = [_share(null["said"], null["sweeps"])]
        cells += [_share(sum(row[key] for row in real), total) for key in ("said", "right")]
        needed = [n or MOST_RUNS for row in real for n in row["needed"]]
        cells.append(f"{np.median(needed):.0f}" if needed else "")
        of_each = " - ".join(map(str, sorted({row["sweeps"] for row in own})))
        lines.append(f"| {kind} | {runs} | {of_each} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _share(count: int, total: int) -> str:
    low, high = binomtest(count, total).proportion_ci(method="wilson")
    return f"{count / total:.2f} ({low:.2f} - {high:.2f})"


if __name__ == "__main__":
    run_command(main)
