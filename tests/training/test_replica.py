"""An epoch agrees with an independent replica in float64: weights, loss, penalty, norms.

For every optimizer and every loss, of pictures and of reviews, whose embedding has a sparse
gradient; with L2, a schedule, label smoothing and clipping.
"""

from itertools import product
from typing import Any

import numpy as np
import pytest

from src import datasets
from src.config.fields import choices
from src.config.run_config import RunConfig
from src.optimizers.registry import OPTIMIZERS
from src.training.execution import build_network
from src.training.kept import epoch_runner
from src.training.loop import never
from tests.training.replica import Replica

LOSSES = choices(RunConfig.model_fields["loss"])
_COMMON: dict[str, Any] = {
    "num_layers": 2,
    "hidden_size": 16,
    "batch_size": 64,
    "epochs": 1,
    "weight_decay": 0.01,
    "lr_schedule": "cosine",
    "warmup_epochs": 0.3,
    "clip_norm": 0.01,
}
_DATA: dict[str, dict[str, Any]] = {
    "synthetic": {"label_smoothing": 0.1, "activation": "tanh"},
    "synthetic_reviews": {
        "vocabulary_size": 30,  # so that words are read many times
        "sequence_length": 30,
        "embedding_size": 8,
        "activation": "relu",
    },
}
_RATES = {"sgd": 1.0, "momentum": 0.2, "nag": 0.2}
_ADAPTIVE_RATE = 0.005


_FAST = [("synthetic_reviews", "cross_entropy"), ("synthetic", "mse")]
EACH = [
    pytest.param(*case, marks=[] if case[:2] in _FAST and i % 2 else [pytest.mark.slow])
    for i, case in enumerate(product(_DATA, LOSSES, OPTIMIZERS))
]


@pytest.mark.parametrize(("dataset", "loss", "optimizer"), EACH)
def test_an_epoch_is_that_of_a_float64_replica(dataset: str, loss: str, optimizer: str) -> None:
    named = {"dataset": dataset, "optimizer": optimizer, "loss": loss}
    rate = {"learning_rate": _RATES.get(optimizer, _ADAPTIVE_RATE)}
    config = RunConfig.parse(_COMMON | _DATA[dataset] | named | rate)
    data = datasets.load_training(config)
    network = build_network(config, data.spec, len(data.train))
    first = network.model.get_weights()
    with epoch_runner(network, data.train) as runner:
        totals = runner.run_epoch(1, never)
        trained = runner.network
    order = np.random.default_rng([config.seed, 1]).permutation(len(data.train))
    replica = Replica(config, data.spec, first).train(data.train, order)
    for own, weight in zip(trained.model.get_weights(), replica.weights, strict=True):
        np.testing.assert_allclose(own, weight, rtol=0, atol=1e-4)
    moved = [abs(new - old).max() for new, old in zip(replica.weights, first, strict=True)]
    assert max(moved) > 0.005
    assert totals.loss / totals.examples == pytest.approx(replica.loss, rel=1e-5)
    assert totals.correct / totals.examples == pytest.approx(replica.accuracy, abs=0.002)
    assert float(trained.compute_penalty()) == pytest.approx(replica.penalty, rel=1e-4)
    assert totals.norms == pytest.approx(replica.norms, rel=1e-3)
    assert replica.clipped == pytest.approx(config.clip_norm)
