"""Measured accuracies as a table: mean and 95 % interval over seeds, beside the target."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import t


@dataclass(frozen=True)
class Measurement:
    """One training with one seed.

    Attributes:
        name: What was trained.
        seed: The seed of weights, shuffling and the validation split.
        digest: The digest of all that it was made of.
        accuracy: The accuracy on the test set, of the epoch that was best on the validation set.
        val_accuracy: The validation accuracy of that epoch.
        epochs: The number of epochs that were trained.
        minutes: The wall time from the training command to its end.
    """

    name: str
    seed: int
    digest: str
    accuracy: float
    val_accuracy: float
    epochs: int
    minutes: float


@dataclass(frozen=True)
class Target:
    """What a recipe is for: at least this test accuracy, in at most so many minutes."""

    accuracy: float
    minutes: float = math.inf


TARGETS = {
    "fashion_mnist_mlp_spec": Target(0.885),
    "fashion_mnist_mlp": Target(0.900),
    "fashion_mnist_cnn": Target(0.930),
    "mnist_mlp": Target(0.983),
    "mnist_cnn": Target(0.993),
    "cifar10_cnn": Target(0.80, minutes=12),
    "imdb_lstm": Target(0.87),
}

Row = tuple[str, str, Sequence[Measurement]]  # what it is, its command, at least one measurement

_HEAD = """\
| recipe | what | test accuracy | seeds | epochs | minutes a run | target |
|---|---|--:|--:|--:|--:|---|
"""


def interval(values: Sequence[float]) -> float:
    """Half the width of the 95 % confidence interval of the mean, by Student's t.

    Raises:
        ValueError: of fewer than two values.
    """
    count = len(values)
    if count < 2:
        raise ValueError("an interval needs at least two values")
    quantile = float(t.ppf(0.975, count - 1))
    return quantile * statistics.stdev(values) / math.sqrt(count)


def accuracy_table(rows: Sequence[Row]) -> str:
    """The table and, under it, the exact command of each row, in Markdown."""
    lines = [_line(what, measurements) for what, _, measurements in rows]
    commands = [f"{command} --seed SEED" for _, command, _ in rows]
    return (
        f"{_HEAD}{''.join(lines)}\n"
        "Mean and 95 % interval (Student's t) over seeds; minutes are the median. Commands, each\n"
        "followed by `python -m src.evaluate --model_path` with the model that it names:\n\n"
        "```sh\n" + "\n".join(commands) + "\n```"
    )


def accuracy_summary(rows: Sequence[Row]) -> str:
    """Name, test accuracy and minutes of each row: what the README has."""
    lines = ["| recipe | test accuracy | minutes a run |", "|---|--:|--:|"]
    lines += [
        f"| {of_it[0].name} | {_accuracy(of_it)} | {_minutes(of_it):.1f} |" for _, _, of_it in rows
    ]
    return "\n".join(lines)


def _accuracy(measurements: Sequence[Measurement]) -> str:
    """The mean, and its interval if there is one."""
    accuracies = [one.accuracy for one in measurements]
    spread = f" ± {interval(accuracies):.4f}" if len(accuracies) > 1 else ""
    return f"{statistics.mean(accuracies):.4f}{spread}"


def _minutes(measurements: Sequence[Measurement]) -> float:
    return statistics.median(one.minutes for one in measurements)


def _line(what: str, measurements: Sequence[Measurement]) -> str:
    mean = statistics.mean(one.accuracy for one in measurements)
    minutes = _minutes(measurements)
    epochs = sorted({one.epochs for one in measurements})
    cells = (
        measurements[0].name,
        what.rstrip("."),
        _accuracy(measurements),
        ", ".join(str(seed) for seed in sorted(one.seed for one in measurements)),
        str(epochs[0]) if len(epochs) == 1 else f"{epochs[0]}-{epochs[-1]}",
        f"{minutes:.1f}",
        _verdict(TARGETS.get(measurements[0].name), mean, minutes),
    )
    return f"| {' | '.join(cells)} |\n"


def _verdict(target: Target | None, accuracy: float, minutes: float) -> str:
    if target is None:
        return ""
    words = f"{target.accuracy:.3f}"
    if target.minutes < math.inf:
        words += f" in {target.minutes:g} minutes"
    faults = []
    if accuracy < target.accuracy:
        faults.append(f"missed by {target.accuracy - accuracy:.4f}")
    if minutes > target.minutes:
        faults.append(f"{minutes - target.minutes:.1f} minutes too slow")
    return f"{words}: {' and '.join(faults) or 'met'}"
