"""Training throughput of Gradsweep beside its peers, in one sitting: examples a second.

Each way (Keras, a TensorFlow loop, PyTorch, JAX, Gradsweep) trains the same model from the same
weights, one epoch a round; in a round the ways take turns, so that a busy moment of the machine
hits all alike, and only one works at a time. What is timed comes after an epoch that traces and
compiles and some seconds of others; before them, steps on a single batch show that all compute
the same thing. A whole run's results go to benchmarks/results/, docs/benchmarks.md and the README,
those of a part of it to benchmarks/results/partial/.

    python -m benchmarks.throughput --families cnn --ways keras torch gradsweep --rounds 9
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from benchmarks import results
from benchmarks.flops import training_flops
from benchmarks.machine import machine
from benchmarks.options import add_choices, make_parser
from benchmarks.problems import FAMILIES, Problem
from benchmarks.throughput_table import differing, summary, tables
from benchmarks.ways import WAYS, Processes
from benchmarks.worker import WayFailedError
from src.shared.command import run_command

PRECISIONS = ("float32", "bfloat16")
_PEAK_WAYS = ("gradsweep", "torch")
_PEAK_REPEATS = 3
_QUICK_EXAMPLES, _QUICK_SHARE = 192, 0.1
_CHECKED_STEPS = 4
# Epochs after the first one are up to twice as slow as later ones, Keras's most of all.
_WARM_SECONDS = 4.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit code: 1 if a way computes something else than Keras ``fit``.
    """
    parser = make_parser(
        __doc__, count="rounds", counted="timed epochs of each way", families="of the models"
    )
    add_choices(parser, "ways", WAYS, "of the ways to train them")
    add_choices(parser, "precisions", PRECISIONS, "to compute in")
    parser.add_argument("--quick", action="store_true", help="few examples, no warm-up")
    options = parser.parse_args(arguments)
    chosen = set(options.families) | set(options.ways) | set(options.precisions)
    whole = not options.quick and chosen == {*FAMILIES, *WAYS, *PRECISIONS}
    measured = results.load("throughput") if options.write_docs else _measure_all(options, whole)
    results.publish(
        "throughput", measured, tables(measured), whole=whole, summary=summary(measured)
    )
    for difference in differing(measured):
        print(f"not the same computation: {difference}", file=sys.stderr)
    return 1 if differing(measured) else 0


def _measure_all(options: argparse.Namespace, whole: bool) -> dict[str, Any]:
    """The tables of every precision and family, saved after each."""
    measured: dict[str, Any] = {"machine": machine(), "versions": {}, "peak": {}, "tables": []}
    with Processes() as processes:
        for way in options.ways:
            answer = processes.try_to_ask(way, do="versions")
            measured["versions"] |= answer.get("versions", {})
        for precision in options.precisions:
            measured["peak"][precision] = _peak(processes, precision)
            for family in options.families:
                problem = FAMILIES[family]
                if options.quick:
                    quick = max(_QUICK_EXAMPLES, int(_QUICK_SHARE * problem.examples))
                    problem = problem.resized(quick)
                rows = measure(
                    processes,
                    problem,
                    precision,
                    options.ways,
                    options.rounds,
                    warm_seconds=0 if options.quick else _WARM_SECONDS,
                    # Rounding hides differences, so they are looked for in float32 only.
                    check=precision == "float32",
                )
                measured["tables"].append(_facts(family, problem, precision) | {"rows": rows})
                results.save("throughput", measured, whole=whole)
    return measured


def measure(
    processes: Processes,
    problem: Problem,
    precision: str,
    ways: Sequence[str],
    rounds: int,
    warm_seconds: float = 0,
    check: bool = False,
) -> dict[str, dict[str, Any]]:
    """Train the ways in turn.

    Args:
        processes: to do it in.
        problem: what to train.
        precision: to compute in.
        ways: keys of ``WAYS``.
        rounds: timed epochs of each.
        warm_seconds: how long to train, after the first epoch, before any is timed.
        check: whether to take the first steps on a single batch, before all else.

    Returns:
        For each way ``seconds`` of each timed epoch, ``first_seconds`` and ``first_epoch`` of the
        one before them, ``first_losses`` on a single batch, ``preparation_seconds``, ``memory``
        (the process's peak so far, in bytes) and a ``note``; or, of a way that failed, the
        ``error``.
    """
    rows: dict[str, dict[str, Any]] = {}
    title = f"{problem.config.model} {precision}"
    with tqdm(total=(rounds + 1) * len(ways), desc=title, disable=None, leave=False) as progress:
        for way in ways:
            progress.set_postfix_str(way)
            rows[way] = _warm_up(processes, way, problem, precision, warm_seconds, check)
            progress.update()
        for way in [way for _ in range(rounds) for way in ways]:
            progress.set_postfix_str(way)
            if "error" not in rows[way]:
                answer = processes.try_to_ask(way, do="epoch")
                if "error" in answer:
                    rows[way] = answer
                else:
                    rows[way]["seconds"].append(answer["seconds"])
                    rows[way]["memory"] = answer["memory"]
            progress.update()
    return rows


def first_losses(processes: Processes, problem: Problem, way: str) -> list[float]:
    """The loss at each of the first steps on a single batch, which shuffling does not change.

    Raises:
        WayFailedError: if the way cannot be trained.
    """
    batch = problem.resized(problem.config.batch_size)
    _prepare(processes, way, batch, "float32")
    return [processes.ask(way, do="epoch")["loss"] for _ in range(_CHECKED_STEPS)]


def _prepare(processes: Processes, way: str, problem: Problem, precision: str) -> dict[str, Any]:
    function, values = WAYS[way].function, problem.to_json()
    return processes.ask(way, do="prepare", function=function, problem=values, precision=precision)


def _warm_up(
    processes: Processes,
    way: str,
    problem: Problem,
    precision: str,
    warm_seconds: float,
    check: bool,
) -> dict[str, Any]:
    try:
        checked = first_losses(processes, problem, way) if check else []
        ready = _prepare(processes, way, problem, precision)
        first = processes.ask(way, do="epoch")
        warmed = 0.0
        while warmed < warm_seconds:
            warmed += processes.ask(way, do="epoch")["seconds"]
    except WayFailedError as error:
        return {"error": str(error)}
    return {
        "note": ready["note"],
        "preparation_seconds": ready["seconds"],
        "first_seconds": first["seconds"],
        "first_losses": checked,
        "first_epoch": {"loss": first["loss"], "accuracy": first["accuracy"]},
        "seconds": [],
    }


def _peak(processes: Processes, precision: str) -> float:
    """The best of large matrix products in TensorFlow and PyTorch, in FLOP/s; 0 if all fail."""
    answers = [
        processes.try_to_ask(way, do="multiply", precision=precision)
        for way in _PEAK_WAYS * _PEAK_REPEATS
    ]
    return max(float(answer.get("flops_per_second", 0)) for answer in answers)


def _facts(family: str, problem: Problem, precision: str) -> dict[str, Any]:
    return {
        "family": family,
        "title": problem.title,
        "examples": problem.examples,
        "batch_size": problem.config.batch_size,
        "precision": precision,
        "training_flops": training_flops(problem),
    }


if __name__ == "__main__":
    run_command(main)
