"""Epochs: XLA and graph agree, schedule and augmentation reach the steps, bfloat16 trains."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec, Split, TrainingData
from src.model import NeuralNetwork
from src.optimizers.schedules import learning_rates
from src.training.epoch import EpochRunner, EpochTotals
from src.training.execution import build_network, choose_execution
from src.training.kept import epoch_runner
from src.training.loop import never

CONFIG: dict[str, Any] = {"batch_size": 16, "hidden_size": 16, "optimizer": "momentum", "epochs": 3}
FAMILIES: list[dict[str, Any]] = [
    {},
    {"model": "cnn", "filters": [4]},
    {"model": "rnn", "cell": "gru"},
    {"model": "resnet", "width": 2},
]
# Resnets and rnns take the longest to compile.
EACH_FAMILY = [
    pytest.param(
        family,
        id=name,
        marks=[pytest.mark.slow] if name in ("resnet", "rnn") else [],
    )
    for family in FAMILIES
    for name in [family.get("model", "mlp")]
]


def family_config(family: dict[str, Any], **values: Any) -> RunConfig:
    common = CONFIG if family.get("model") != "resnet" else {**CONFIG, "hidden_size": None}
    merged = {**common, **family, **values}
    return RunConfig.parse({name: value for name, value in merged.items() if value is not None})


def run_epochs(config: RunConfig, data: TrainingData, epochs: int = 2) -> list[EpochTotals]:
    network = build_network(config, data.spec, len(data.train))
    with epoch_runner(network, data.train) as runner:
        return [runner.run_epoch(epoch, never) for epoch in range(1, epochs + 1)]


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_xla_and_graph_train_alike(family: dict[str, Any], small_data: TrainingData) -> None:
    graph, xla = (
        run_epochs(family_config(family, jit=jit, lr_schedule="cosine"), small_data)
        for jit in ("off", "on")
    )
    for one, other in zip(graph, xla, strict=True):
        assert one.examples == other.examples == 290
        assert other.loss == pytest.approx(one.loss, rel=1e-3)
        assert other.norms == pytest.approx(one.norms, rel=1e-2)
        assert other.learning_rate == one.learning_rate


@pytest.mark.parametrize("family", EACH_FAMILY[1:])
def test_nothing_is_traced_after_the_first_epoch(
    family: dict[str, Any], small_data: TrainingData, traces: list[NeuralNetwork]
) -> None:
    network = build_network(family_config(family), small_data.spec, len(small_data.train))
    with epoch_runner(network, small_data.train) as runner:
        runner.run_epoch(1, never)
        first = len(traces)
        assert first > 0
        runner.run_epoch(2, never)
        assert len(traces) == first


def test_every_step_has_the_schedule_s_learning_rate(small_data: TrainingData) -> None:
    """With a gradient that is always the same, the weight moves by the sum of all rates."""
    config = RunConfig.parse(
        {
            **{"num_layers": 0, "optimizer": "sgd", "batch_size": 16, "epochs": 2},
            **{"lr_schedule": "one_cycle", "learning_rate": 1e-4, "loss": "mse"},
        }
    )
    n, spec = 290, InputSpec((1, 1, 1), ("a", "b"), (0.0,), (1.0,))
    same = Split(np.full((n, 1, 1, 1), 255, np.uint8), np.zeros(n, np.int32))
    network = build_network(config, spec, n)
    network.model.set_weights([w * 0 for w in network.model.get_weights()])
    with epoch_runner(network, same) as runner:
        totals = runner.run_epoch(1, never)
    rates = learning_rates(config, 1, 19)
    assert totals.learning_rate == rates[-1]
    # d(mean of squares)/d(logit) of the true class is (p - 1) p (1 - p) * 2 at p = 1/2, halved.
    assert runner.network.model.get_weights()[0][0, 0] == pytest.approx(rates.sum() / 4, rel=1e-3)


def test_training_pictures_are_augmented_anew_and_repeatably(small_data: TrainingData) -> None:
    """With weights that stand still, only the pictures can change an epoch's loss."""
    still = {"optimizer": "sgd", "learning_rate": 1e-30}
    plain = [t.loss for t in run_epochs(family_config({}, **still), small_data)]
    assert plain[0] == pytest.approx(plain[1], rel=1e-5)
    changes = {"shift": 2, "flip": True, "cutout": 2}
    first, again, other = (
        [t.loss for t in run_epochs(family_config({}, seed=s, **still, **changes), small_data)]
        for s in (0, 0, 1)
    )
    assert first == again
    assert abs(first[0] - first[1]) > 1e-3
    assert abs(first[0] - plain[0]) > 1e-3
    assert first != other


@pytest.mark.parametrize("jit", ["on", "off"])
def test_an_epoch_cut_short_has_seen_the_next_batch_and_no_other(
    jit: str, small_data: TrainingData
) -> None:
    """Its last, measured step takes the batch after the chunk's: only these change its weights."""
    config = family_config({}, jit=jit)
    order = np.random.default_rng([config.seed, 1]).permutation(len(small_data.train))

    def trained(spoiled: NDArray[np.int64]) -> tuple[EpochTotals, Any]:
        x = small_data.train.x.copy()
        x[spoiled] = 0
        execution = replace(choose_execution(config, len(x)), chunk_steps=3)
        network = NeuralNetwork(config, small_data.spec, execution)
        with epoch_runner(network, Split(x, small_data.train.y)) as runner:
            return runner.run_epoch(1, lambda: True), runner.state()["model/0"]

    totals, weights = trained(order[:0])
    seen = totals.examples
    assert totals.stopped
    assert seen == (3 + 1) * 16
    np.testing.assert_array_equal(trained(order[seen:])[1], weights)
    assert not np.array_equal(trained(order[seen - 16 : seen])[1], weights)


def test_an_epoch_cut_after_a_single_step_takes_no_other(small_data: TrainingData) -> None:
    config = family_config({}, batch_size=200)
    network = build_network(config, small_data.spec, len(small_data.train))
    with epoch_runner(network, small_data.train) as runner:
        totals = runner.run_epoch(1, lambda: True)
    assert (totals.stopped, totals.examples) == (True, 200)
    assert totals.norms.gradient > 0


@pytest.mark.parametrize("family", EACH_FAMILY)
def test_bfloat16_trains_with_float32_weights(
    family: dict[str, Any], small_data: TrainingData
) -> None:
    config = family_config(family, precision="bfloat16", learning_rate=0.02, epochs=8)
    network = build_network(config, small_data.spec, len(small_data.train))
    assert {v.dtype.name for v in network.variables} == {"float32"}
    assert network.forward(small_data.train.x[:3]).dtype == "float32"
    losses = [totals.loss for totals in run_epochs(config, small_data, epochs=8)]
    assert losses[-1] < 0.7 * losses[0]
    exact = family_config(family, learning_rate=0.02, epochs=8)
    assert losses != [totals.loss for totals in run_epochs(exact, small_data, epochs=8)]


def test_the_precision_of_one_network_is_not_that_of_the_next(small_data: TrainingData) -> None:
    NeuralNetwork(RunConfig(precision="bfloat16"), small_data.spec)
    model = NeuralNetwork(RunConfig(), small_data.spec).model
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}


def test_runs_that_differ_in_the_schedule_share_a_compiled_epoch(small_data: TrainingData) -> None:
    runners: set[EpochRunner] = set()
    for values in ({}, {"lr_schedule": "cosine"}, {"seed": 3, "warmup_epochs": 1}):
        config = family_config({}, hidden_size=18, **values)
        network = build_network(config, small_data.spec, len(small_data.train))
        with epoch_runner(network, small_data.train) as runner:
            runners.add(runner)
    assert len(runners) == 1
