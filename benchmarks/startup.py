"""Time from the command to the first training steps, by what it is made of, beside Keras ``fit``.

For each model family a new process does what ``python -m src.train`` does until its first steps
are taken, through the same functions, and notes the time after each part: the interpreter, the
imports (most of it TensorFlow), the data, W&B (an offline run), building the network, and its
first steps with their compilation. Another process does the same with Keras ``fit``: no W&B, the
same data. Each family's data set is fetched first, so it comes from the cache.

    python -m benchmarks.startup --families mlp --repeats 5
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from benchmarks import results
from benchmarks.machine import describe, machine
from benchmarks.options import make_parser
from benchmarks.problems import FAMILIES
from benchmarks.samples import Summary
from src.datasets import fetch
from src.shared.command import run_command
from src.shared.errors import UserError
from src.shared.paths import ROOT

PROGRAMS = {"keras": "Keras `fit`", "gradsweep": "Gradsweep"}
PARTS = ("python", "imports", "data", "wandb", "build", "first steps")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    options = make_parser(
        __doc__, count="repeats", counted="starts of each", families="which"
    ).parse_args(arguments)
    whole = options.families == list(FAMILIES)
    measured = results.load("startup") if options.write_docs else _measure_all(options, whole)
    results.publish("startup", measured, text(measured), whole=whole)


def text(measured: dict[str, Any]) -> str:
    """Where it was measured, and the table."""
    return f"{describe(measured['machine'], {})}.\n\n{table(measured['families'])}"


def _measure_all(options: argparse.Namespace, whole: bool) -> dict[str, Any]:
    """Every start, saved after each round of them."""
    for dataset in dict.fromkeys(FAMILIES[family].config.dataset for family in options.families):
        fetch(dataset)
    jobs = [(family, program) for family in options.families for program in PROGRAMS]
    measured: dict[str, Any] = {"machine": machine(), "families": {}}
    for _ in range(options.repeats):
        for family, program in tqdm(jobs, unit="start", disable=None, leave=False):
            starts = measured["families"].setdefault(family, {}).setdefault(program, [])
            try:
                starts.append(probe(family, program))
            except UserError as error:
                print(error, file=sys.stderr)
        results.save("startup", measured, whole=whole)
    return measured


def probe(family: str, program: str) -> dict[str, float]:
    """Start a program once.

    Returns:
        Seconds of each part.

    Raises:
        UserError: if it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        finished = subprocess.run(
            [sys.executable, "-m", "benchmarks.startup_probe", program, family, repr(time.time())],
            cwd=ROOT,
            env=os.environ | {"WANDB_MODE": "offline", "WANDB_DIR": folder, "WANDB_SILENT": "true"},
            capture_output=True,
            text=True,
        )
    if finished.returncode:
        said = (finished.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UserError(f"the start of {program} with {family} failed: {said}")
    times: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    return times


def table(families: dict[str, dict[str, list[dict[str, float]]]]) -> str:
    """The medians of each part and of the whole, in seconds, in Markdown."""
    heads = ["model", "with", *PARTS, "together", "min - max"]
    lines = [f"| {' | '.join(heads)} |", f"|---|---|{'--:|' * (len(heads) - 2)}"]
    for family, programs in families.items():
        for program, starts in programs.items():
            if not starts:
                lines.append(f"| {family} | {PROGRAMS[program]} | failed |")
                continue
            parts = [
                f"{Summary.of([start[part] for start in starts]).median:.2f}"
                if part in starts[0]
                else ""
                for part in PARTS
            ]
            whole = Summary.of([sum(start.values()) for start in starts])
            spread = f"{whole.least:.1f} - {whole.most:.1f}"
            cells = [family, PROGRAMS[program], *parts, f"{whole.median:.1f}", spread]
            lines.append(f"| {' | '.join(cells)} |")
    return "Seconds until the first steps are taken (median):\n\n" + "\n".join(lines)


if __name__ == "__main__":
    run_command(main)
