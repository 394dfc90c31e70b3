"""One start of a training, timed part by part: started by :mod:`benchmarks.startup`."""

import time

_STARTED = time.time()  # before any other import

import json  # noqa: E402
import sys  # noqa: E402


class Stopwatch:
    """Seconds of each part of a process's life, from before it began."""

    def __init__(self, commanded: float) -> None:
        self.parts = {"python": _STARTED - commanded}
        self._last = _STARTED

    def lap(self, part: str) -> None:
        """The part that ends now."""
        now = time.time()
        self.parts[part] = now - self._last
        self._last = now


def gradsweep(family: str, watch: Stopwatch) -> None:
    """The steps of ``src.train.train_run`` until the first chunk of steps is taken."""
    from benchmarks.problems import FAMILIES
    from src.training.tensorflow import start_tensorflow

    config = FAMILIES[family].config.model_copy(update={"no_wandb": False})
    start_tensorflow()
    from src import datasets
    from src.tracking.tracker import Tracker
    from src.training import run as training_run  # noqa: F401
    from src.training.execution import build_network
    from src.training.kept import epoch_runner

    watch.lap("imports")
    data = datasets.load_training(config)
    watch.lap("data")
    tracker = Tracker(config, {})
    watch.lap("wandb")
    network = build_network(config, data.spec, len(data.train))
    with epoch_runner(network, data.train) as runner:
        watch.lap("build")
        runner.run_epoch(1, lambda: True)
        watch.lap("first steps")
    tracker.abandon()


def keras(family: str, watch: Stopwatch) -> None:
    """The same model with ``fit``, until its first step is taken."""
    import numpy as np

    from benchmarks.peers import Task
    from benchmarks.peers.keras_peer import build, compile_for_fit, stop_after_first_step
    from benchmarks.problems import FAMILIES, Problem
    from src import datasets

    config = FAMILIES[family].config
    watch.lap("imports")
    data = datasets.load_training(config)
    problem = Problem("", config, len(data.train))
    x = Task(problem, "float32", data.train, []).inputs
    watch.lap("data")
    model = compile_for_fit(build(problem, "float32"), config.learning_rate)
    watch.lap("build")
    callbacks = [stop_after_first_step()]
    model.fit(x, np.asarray(data.train.y), config.batch_size, verbose=0, callbacks=callbacks)
    watch.lap("first steps")


if __name__ == "__main__":
    program, family, commanded = sys.argv[1:]
    stopwatch = Stopwatch(float(commanded))
    {"gradsweep": gradsweep, "keras": keras}[program](family, stopwatch)
    print(json.dumps(stopwatch.parts))
