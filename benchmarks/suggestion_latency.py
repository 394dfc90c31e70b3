"""How long one Bayesian suggestion takes, by the number of finished runs.

For 10, 100 and 1,000 finished runs of a 10-parameter space: the median and 95th percentile of
suggestions from a searcher that has seen all earlier runs, as in a sweep under way, and the first
suggestion of a new searcher, as after a restart of the server.

    python benchmarks/suggestion_latency.py --repeats 30
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from src.sweep_language.grammar import SweepSpec, parse_sweep
from src.wandb_server.search.searcher import Searcher, Trial
from src.wandb_server.states import RunState

SWEEP = {
    "method": "bayes",
    "metric": {"name": "val_accuracy", "goal": "maximize"},
    "seed": 0,
    "parameters": {
        "learning_rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-1},
        "weight_decay": {"distribution": "log_uniform_values", "min": 1e-6, "max": 1e-2},
        "dropout": {"min": 0.0, "max": 0.5},
        "momentum": {"distribution": "beta", "a": 9, "b": 2},
        "num_layers": {"min": 1, "max": 6},
        "hidden_size": {"distribution": "q_log_uniform_values", "min": 32, "max": 512, "q": 32},
        "batch_size": {"values": [16, 32, 64, 128]},
        "optimizer": {"values": ["sgd", "momentum", "nag", "rmsprop", "adam", "nadam"]},
        "activation": {"values": ["sigmoid", "tanh", "relu", "gelu"]},
        "weight_init": {"values": ["random", "xavier", "he"]},
    },
}


def finished_runs(spec: SweepSpec, count: int, rng: np.random.Generator) -> list[Trial]:
    """So many runs with random parameters and values."""
    return [
        Trial(
            {path[0]: one.value(one.draw(rng.random())) for path, one in spec.parameters.items()},
            RunState.FINISHED,
            rng.random(),
        )
        for _ in range(count)
    ]


def milliseconds(searcher: Searcher, trials: list[Trial]) -> float:
    """The time of one suggestion."""
    start = time.perf_counter()
    searcher.suggest(trials)
    return 1e3 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the latency of Bayesian suggestions.")
    parser.add_argument("--repeats", type=int, default=30, help="suggestions measured per row")
    repeats = parser.parse_args().repeats
    spec = parse_sweep(SWEEP)
    runs = finished_runs(spec, 1000 + repeats, np.random.default_rng(0))
    # Optuna loads parts of itself at the first suggestion; that is not measured.
    Searcher(spec).suggest(runs[:20])
    print(f"{len(spec.parameters)} parameters, {repeats} suggestions a row, milliseconds")
    print(f"{'finished runs':>13} {'median':>8} {'p95':>8} {'new searcher':>13}")
    for count in (10, 100, 1000):
        searcher = Searcher(spec)
        first = milliseconds(searcher, runs[:count])
        # Each suggestion finds one more finished run than the one before.
        times = [milliseconds(searcher, runs[: count + 1 + i]) for i in range(repeats)]
        median, p95 = np.percentile(times, [50, 95])
        print(f"{count:>13} {median:>8.1f} {p95:>8.1f} {first:>13.1f}")


if __name__ == "__main__":
    main()
