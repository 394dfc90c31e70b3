"""Training throughput beside Keras's own, in one sitting: examples per second and their ratio.

The model is the MLP 784-128-128-128-10 with batches of 64 and Adam, on random uint8 pictures. Each
way trains one epoch to warm up (tracing and compiling), then one timed epoch a run; the runs of
the ways are interleaved, so that a busy moment of the machine hits all of them alike.
"""

import argparse
import itertools
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__" and not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tqdm import tqdm

from src.config import RunConfig
from src.startup import start_tensorflow

if TYPE_CHECKING:
    from src.datasets.spec import InputSpec, Split

BATCH_SIZE = 64
CONFIG = RunConfig(
    num_layers=3, hidden_size=128, activation="relu", optimizer="adam", batch_size=BATCH_SIZE
)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="timed epochs of each way (default 5)")
    parser.add_argument("--examples", type=int, default=60_000, help="(default 60000)")
    options = parser.parse_args()
    if min(options.runs, options.examples) < 1:
        parser.error("--runs and --examples take a whole number >= 1")

    start_tensorflow()
    spec, train = random_data(options.examples)
    ways = {
        "Keras `fit`": keras_fit(spec, train),
        "Keras `fit`, `jit_compile=True`, `steps_per_execution=100`": keras_fit(
            spec, train, jit_compile=True, steps_per_execution=100
        ),
        "Gradsweep": gradsweep(spec, train),
    }
    rates = measure(ways, options.runs, options.examples)
    print(machine())
    print(f"MLP 784-128-128-128-10, batch {BATCH_SIZE}, Adam, {options.examples:,} examples\n")
    print(table(rates))


def measure(
    ways: dict[str, Callable[[], object]], runs: int, examples: int
) -> dict[str, list[float]]:
    """Examples per second of each way in each timed epoch."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    with tqdm(total=(runs + 1) * len(ways), unit="epoch", disable=None, leave=False) as progress:
        for run in range(runs + 1):
            for name, train_epoch in ways.items():
                start = time.perf_counter()
                train_epoch()
                if run:  # the first is the warm-up
                    rates[name].append(examples / (time.perf_counter() - start))
                progress.update()
    return rates


def random_data(examples: int) -> "tuple[InputSpec, Split]":
    """Pictures of noise: speed does not depend on what is in them."""
    import numpy as np

    from src.datasets.spec import InputSpec, Split

    rng = np.random.default_rng(0)
    spec = InputSpec((28, 28, 1), tuple("0123456789"), mean=(0.5,), std=(0.29,))
    x = rng.integers(0, 256, (examples, *spec.shape), dtype=np.uint8)
    return spec, Split(x, rng.integers(0, 10, examples).astype(np.int32))


def keras_fit(spec: "InputSpec", train: "Split", **compile_options: Any) -> Callable[[], object]:
    """One epoch of ``fit`` on the very model that we train."""
    import keras

    from src.architectures.mlp import build_mlp

    model = build_mlp(CONFIG, spec)
    model.compile(
        optimizer=keras.optimizers.Adam(CONFIG.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        **compile_options,
    )
    return lambda: model.fit(train.x, train.y, batch_size=BATCH_SIZE, epochs=1, verbose=0)


def gradsweep(spec: "InputSpec", train: "Split") -> Callable[[], object]:
    """One epoch of ours, shuffling and metrics included as in ``fit``."""
    from src.epochs import EpochRunner
    from src.model import NeuralNetwork
    from src.trainer import never

    runner = EpochRunner(CONFIG, spec, len(train))
    runner.start(NeuralNetwork(CONFIG, spec), train)
    epochs = itertools.count(1)
    return lambda: runner.run(next(epochs), never)


def table(rates: dict[str, list[float]]) -> str:
    """A Markdown table; the ratio is that of the medians, to the first way."""
    first = statistics.median(next(iter(rates.values())))
    lines = ["| how | examples/s, median | min - max | against Keras `fit` |", "|---|--:|--:|--:|"]
    for name, values in rates.items():
        middle = statistics.median(values)
        lines.append(
            f"| {name} | {middle:,.0f} | {min(values):,.0f} - {max(values):,.0f} "
            f"| {middle / first:.2f} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """What the figures were taken on."""
    import keras
    import tensorflow as tf

    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    gpus = len(tf.config.list_physical_devices("GPU"))
    return (
        f"{cpu}, {os.cpu_count()} cores, {gpus} GPUs, {load}; Python {platform.python_version()}, "
        f"TensorFlow {tf.__version__}, Keras {keras.__version__}"
    )


if __name__ == "__main__":
    main()
