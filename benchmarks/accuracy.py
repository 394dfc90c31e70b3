"""The test accuracy of the recipes, over seeds: `python -m benchmarks.accuracy`.

Every run goes through the commands that a user types. What is done is kept in
`benchmarks/results/accuracy.json` and not done again until its recipe changes, so that an
interrupted benchmark goes on where it was.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from benchmarks import documents, tfidf
from benchmarks.accuracy_table import Measurement, Row, accuracy_summary, accuracy_table
from benchmarks.results import FOLDER
from src.config.recipe import Recipe
from src.shared.atomic import replacing
from src.shared.command import Parser, run_command
from src.shared.errors import UserError
from src.shared.paths import RECIPES, ROOT

RESULTS = FOLDER / "accuracy.json"
BASELINE = "imdb_tfidf"
_MEASUREMENTS = TypeAdapter(list[Measurement])


@dataclass(frozen=True)
class Subject:
    """Something whose accuracy is measured.

    Attributes:
        name: of the recipe, or ``BASELINE``.
        what: it is, in a line.
        command: trains it, but for the seed.
        digest: changes with everything that it is made of.
        measure: trains and tests it with a seed: test and validation accuracy, epochs, minutes.
    """

    name: str
    what: str
    command: str
    digest: str
    measure: Callable[[int], Measurement]


def subjects() -> dict[str, Subject]:
    """All recipes and the baseline, by name."""
    found = {file.stem: _recipe(file) for file in sorted(RECIPES.glob("*.yaml"))}
    digest = _digest([tfidf.SETTINGS, tfidf.STRENGTHS])

    def measure(seed: int) -> Measurement:
        started = time.perf_counter()
        result = tfidf.measure(seed)
        minutes = (time.perf_counter() - started) / 60
        return Measurement(
            BASELINE, seed, digest, result["accuracy"], result["val_accuracy"], 1, minutes
        )

    found[BASELINE] = Subject(
        name=BASELINE,
        what="The traditional baseline: TF-IDF of words and pairs of words, logistic regression.",
        command="python -m benchmarks.tfidf",
        digest=digest,
        measure=measure,
    )
    return found


def _recipe(file: Path) -> Subject:
    config = Recipe(file).config({})
    digest = _digest(config.model_dump(mode="json", exclude={"seed", "no_wandb", "run_name"}))
    path = os.path.relpath(file, ROOT)

    def measure(seed: int) -> Measurement:
        started = time.perf_counter()
        output = _run("src.train", "--config", path, "--seed", str(seed), "--no_wandb")
        minutes = (time.perf_counter() - started) / 60
        (weights,) = [line.split()[1] for line in output.splitlines() if line.startswith("Model ")]
        model = weights.removesuffix(".weights.h5")
        with tempfile.TemporaryDirectory() as folder:
            _run("src.evaluate", "--model_path", model, "--output_dir", folder)
            (summary,) = Path(folder).glob("*/metrics.json")
            accuracy = json.loads(summary.read_text())["accuracy"]
        best = json.loads(Path(f"{model}.json").read_text())["metrics"]
        epochs = sum(line.startswith("epoch ") for line in output.splitlines())
        return Measurement(file.stem, seed, digest, accuracy, best["val_accuracy"], epochs, minutes)

    what = file.read_text().splitlines()[0].removeprefix("# ")
    return Subject(
        file.stem, what, f"python -m src.train --config {path} --no_wandb", digest, measure
    )


def _digest(made_of: Any) -> str:
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]


def _run(module: str, *arguments: str) -> str:
    """What a command printed.

    Raises:
        UserError: if it failed, with the last line of its errors.
    """
    command = [sys.executable, "-m", module, *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"{module} {' '.join(arguments)} failed: {last.removeprefix('error: ')}")
    return result.stdout


def load(file: Path) -> list[Measurement]:
    """What has been measured so far.

    Raises:
        UserError: if the file is damaged.
    """
    try:
        return _MEASUREMENTS.validate_json(file.read_bytes())
    except FileNotFoundError:
        return []
    except ValidationError:
        raise UserError(f"{file} is damaged; take it from git, or delete it") from None


def collect(chosen: Sequence[Subject], seeds: Sequence[int], file: Path) -> list[Measurement]:
    """Measure what has not been, keeping each measurement as soon as it is there.

    Seeds go round by round, so that an early end leaves something of every subject.

    Returns:
        All measurements in the file, of other subjects too.
    """
    measured = load(file)
    done = {(one.name, one.seed, one.digest) for one in measured}
    for seed in seeds:
        for subject in chosen:
            if (subject.name, seed, subject.digest) in done:
                continue
            print(f"{subject.name}, seed {seed} ...", end=" ", flush=True)
            one = subject.measure(seed)
            print(f"test accuracy {one.accuracy:.4f}, {one.minutes:.1f} minutes", flush=True)
            measured.append(one)
            _save(measured, file)
    return measured


def _save(measured: Sequence[Measurement], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as new:
        new.write_text(json.dumps([asdict(one) for one in measured], indent=1) + "\n")


def _seeds(text: str) -> list[int]:
    return [int(seed) for seed in text.split(",")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    known = subjects()
    parser = Parser(
        prog="python -m benchmarks.accuracy",
        description="Measure the recipes' test accuracy and put the tables into the docs.",
    )
    parser.add_argument(
        "names", nargs="*", help=f"what to measure [all]: {', '.join(known)}", metavar="NAME"
    )
    parser.add_argument(
        "--seeds", type=_seeds, default=[0, 1, 2], help="separated by commas [0,1,2]"
    )
    given = parser.parse_args(arguments)
    for name in given.names:
        if name not in known:
            raise UserError(f"there is no recipe {name}; choose of {', '.join(known)}")
    chosen = [known[name] for name in given.names or known]
    measured = collect(chosen, given.seeds, RESULTS)
    rows = table_rows(known.values(), measured)
    table = accuracy_table(rows)
    print(table)
    RESULTS.with_suffix(".md").write_text(table + "\n", encoding="utf-8")
    documents.write("accuracy", table, accuracy_summary(rows))


def table_rows(known: Iterable[Subject], measured: Sequence[Measurement]) -> list[Row]:
    """What the tables show: of each subject what was measured of it as it is now."""
    return [
        (subject.what, subject.command, of_it)
        for subject in known
        if (of_it := [m for m in measured if (m.name, m.digest) == (subject.name, subject.digest)])
    ]


if __name__ == "__main__":
    run_command(main)
