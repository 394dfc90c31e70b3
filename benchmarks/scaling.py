"""What training costs as it grows, ours and Keras ``fit`` in turns: time and memory.

Time per example of an MLP as its width, its depth, the batch and the number of examples grow, one
at a time; and the peak memory of a process that trains one epoch of each model family. Results
and a figure go to benchmarks/results/, the tables into docs/benchmarks.md.

    python -m benchmarks.scaling --rounds 5
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tqdm import tqdm

from benchmarks import results
from benchmarks.machine import describe, machine
from benchmarks.options import make_parser
from benchmarks.problems import FAMILIES, Problem
from benchmarks.scaling_report import figure, tables
from benchmarks.throughput import measure
from benchmarks.ways import BASE, OURS, Processes
from src.shared.command import run_command

WAYS = (BASE, OURS)
_EXAMPLES = 6_400
# Of each, everything else is as in the middle: 3 layers of 128, batches of 64.
_GROWTH: dict[str, tuple[int, ...]] = {
    "width": (32, 128, 512, 1024),
    "depth": (1, 3, 6, 12),
    "batch size": (16, 64, 256, 1024),
    "examples": (1_600, 6_400, 25_600, 102_400),
}


@dataclass(frozen=True)
class Point:
    """One size of one thing that grows.

    Attributes:
        what: a key of the table of what grows.
        size: of it.
    """

    what: str
    size: int

    @property
    def problem(self) -> Problem:
        """The MLP of this size."""
        mlp = FAMILIES["mlp"].resized(_EXAMPLES)
        if self.what == "examples":
            return mlp.resized(self.size)
        field = {"width": "hidden_size", "depth": "num_layers", "batch size": "batch_size"}
        config = mlp.config.model_copy(update={field[self.what]: self.size})
        return replace(mlp, config=config)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = make_parser(
        __doc__,
        count="rounds",
        counted="timed epochs of each",
        families="whose memory is measured",
    )
    parser.add_argument("--quick", action="store_true", help="the two smallest sizes of each")
    options = parser.parse_args(arguments)
    whole = not options.quick and options.families == list(FAMILIES)
    measured = results.load("scaling") if options.write_docs else _measure_all(options, whole)
    path = results.folder(whole) / "scaling.png"
    figure(measured["points"]).savefig(path, dpi=120)
    results.publish("scaling", measured, text(measured), whole=whole)
    print(f"Figure    {path}")


def text(measured: dict[str, Any]) -> str:
    """Where it was measured, and the tables."""
    return f"{describe(measured['machine'], measured['versions'])}.\n\n{tables(measured)}"


def _measure_all(options: argparse.Namespace, whole: bool) -> dict[str, Any]:
    """Every point, then every family's memory, saved after each."""
    sizes = {what: grown[:2] if options.quick else grown for what, grown in _GROWTH.items()}
    points = [Point(what, size) for what, grown in sizes.items() for size in grown]
    measured: dict[str, Any] = {"machine": machine(), "versions": {}, "points": [], "memory": {}}
    measured["examples"] = _EXAMPLES
    with Processes() as processes:
        for way in WAYS:
            measured["versions"] |= processes.try_to_ask(way, do="versions").get("versions", {})
        for point in tqdm(points, unit="size", disable=None, leave=False):
            rows = measure(processes, point.problem, "float32", WAYS, options.rounds)
            values = {"what": point.what, "size": point.size, "examples": point.problem.examples}
            measured["points"].append(values | {"rows": rows})
            results.save("scaling", measured, whole=whole)
    for family in tqdm(options.families, unit="family", disable=None, leave=False):
        measured["memory"][family] = _memory(FAMILIES[family])
        results.save("scaling", measured, whole=whole)
    return measured


def _memory(problem: Problem) -> dict[str, dict[str, Any]]:
    """The rows of one epoch in new processes, whose peak memory is thus that of this training."""
    with Processes() as processes:
        return measure(processes, problem, "float32", WAYS, 1)


if __name__ == "__main__":
    run_command(main)
