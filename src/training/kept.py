"""Compiled epochs that are kept for later runs of the same structure.

XLA keeps every program that it compiled until the process ends, some 7 MB each. So the epochs that
call them are kept too: a later run of the same structure starts at once and costs no more memory.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from src.datasets.spec import Split
from src.model import NeuralNetwork
from src.training.epoch import EpochRunner

# The kept runners' parameters at most; with Adam's slots that is 240 MB.
_MAX_PARAMETERS = 20_000_000
_kept: dict[Hashable, EpochRunner] = {}


@contextmanager
def epoch_runner(network: NeuralNetwork, train: Split) -> Iterator[EpochRunner]:
    """Lend a runner for one training of ``network``: a new one, or one kept from an earlier run."""
    key = program_key(network, len(train))
    runner = _kept.pop(key, None) or EpochRunner(network, len(train))
    runner.start(network, train)
    try:
        yield runner
    finally:
        runner.release_data()
        _kept[key] = runner
        while sum(kept.parameters for kept in _kept.values()) > _MAX_PARAMETERS:
            del _kept[next(iter(_kept))]  # the one unused for longest


def program_key(network: NeuralNetwork, examples: int) -> Hashable:
    """All that a compiled epoch depends on: runs of equal keys share one."""
    return network.config.compiled(), network.spec, network.execution, examples
