"""Training: it learns, it is repeatable, it stops in every way, and it always leaves the best."""

import dataclasses
import gc
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec, Split, TrainingData
from src.model import NeuralNetwork
from src.tracking.metrics import EpochMetrics
from src.train import train_run
from src.training import checkpoints
from src.training.epoch import EpochRunner
from src.training.execution import build_network
from src.training.kept import epoch_runner
from src.training.loop import TrainingDiverged, TrainingResult, fit, never
from src.training.stopping import StopRequest

# 290 examples in batches of 16: chunks, whole batches that fill no chunk, and a last one of 2.
CONFIG = RunConfig(hidden_size=16, batch_size=16, epochs=3, learning_rate=0.003)


@dataclasses.dataclass
class Run:
    """One training and everything that came out of it."""

    network: NeuralNetwork
    epochs: list[EpochMetrics]
    result: TrainingResult


@pytest.fixture
def run(small_data: TrainingData, tmp_path: Path) -> Callable[..., Run]:
    def start(
        config: RunConfig = CONFIG,
        data: TrainingData = small_data,
        should_stop: Callable[[], bool] = never,
    ) -> Run:
        network = build_network(config, data.spec, len(data.train))
        epochs: list[EpochMetrics] = []
        result = fit(
            network,
            data,
            checkpoint=tmp_path / "best_model_x",
            on_epoch=epochs.append,
            should_stop=should_stop,
        )
        return Run(network, epochs, result)

    return start


def changed(**values: Any) -> RunConfig:
    return RunConfig.parse(CONFIG.model_dump() | values)


def timeless(epochs: list[EpochMetrics]) -> list[EpochMetrics]:
    return [dataclasses.replace(metrics, examples_per_second=0.0) for metrics in epochs]


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_learns(run: Callable[..., Run], loss: str) -> None:
    done = run(changed(epochs=8, loss=loss, learning_rate=0.01))
    assert done.result.best.val_accuracy > 0.9
    assert done.result.outcome == "completed"
    assert [metrics.epoch for metrics in done.epochs] == list(range(1, 9))
    assert done.epochs[-1].loss < done.epochs[0].loss
    for metrics in done.epochs:
        seen = [m.val_accuracy for m in done.epochs[: metrics.epoch]]
        assert metrics.best_val_accuracy == max(seen)
        assert metrics.learning_rate == pytest.approx(0.01)
        assert metrics.grad_norm > 0
        assert metrics.update_norm > 0
        assert metrics.examples_per_second > 0


def test_network_and_checkpoint_end_with_the_best_epoch(
    run: Callable[..., Run], small_data: TrainingData
) -> None:
    done = run(changed(epochs=6, learning_rate=0.2))  # so large that the best is not the last
    best = max(done.epochs, key=lambda metrics: metrics.val_accuracy)  # the first of equals
    assert done.result.best == best
    assert best.epoch < 6
    loaded, info = checkpoints.load(done.result.checkpoint)
    assert info.metrics == best
    for network in (loaded, done.network):
        loss, accuracy = network.evaluate(small_data.validation.x, small_data.validation.y)
        assert (loss, accuracy) == (best.val_loss, best.val_accuracy)


@pytest.mark.parametrize("values", [{}, {"dropout": 0.3, "optimizer": "nadam"}])
def test_one_seed_gives_identical_metrics_and_another_does_not(
    run: Callable[..., Run], values: dict[str, Any]
) -> None:
    first, again = run(changed(**values)), run(changed(**values))
    assert timeless(first.epochs) == timeless(again.epochs)
    other = run(changed(**values, seed=1))
    assert other.epochs[0].loss != first.epochs[0].loss


def test_the_order_of_the_examples_depends_on_seed_and_epoch(
    run: Callable[..., Run], small_data: TrainingData
) -> None:
    """With weights that stand still, only the order can change the last step's gradient."""
    norms = []
    for seed in (0, 1):
        config = changed(optimizer="sgd", learning_rate=1e-30, num_layers=0, seed=seed)
        network = build_network(config, small_data.spec, len(small_data.train))
        network.model.set_weights([w * 0 for w in network.model.get_weights()])
        with epoch_runner(network, small_data.train) as runner:
            norms += [runner.run_epoch(epoch, never).norms.gradient for epoch in (1, 2)]
    assert len(set(norms)) == 4


@pytest.mark.parametrize("batch_size", [16, 29, 64, 290, 1000])
def test_every_example_is_used_exactly_once_an_epoch(batch_size: int) -> None:
    """Example i is pixel i alone, so row i of the kernel moves as often as example i is seen."""
    n = 290
    spec = InputSpec(shape=(n, 1, 1), class_names=("a", "b"), mean=(0.0,), std=(1.0,))
    x = (255 * np.eye(n, dtype=np.uint8)).reshape(n, n, 1, 1)
    examples = Split(x, np.zeros(n, np.int32))
    config = RunConfig(num_layers=0, optimizer="sgd", learning_rate=1e-4, batch_size=batch_size)
    network = build_network(config, spec, n)
    network.model.set_weights([w * 0 for w in network.model.get_weights()])

    with epoch_runner(network, examples) as runner:
        totals = runner.run_epoch(1, never)

    moved = runner.network.model.get_weights()[0][:, 0]
    last = n % batch_size or min(batch_size, n)
    full_step, last_step = 1e-4 * 0.5 / min(batch_size, n), 1e-4 * 0.5 / last
    times = np.isclose(moved, full_step, rtol=0.01), np.isclose(moved, last_step, rtol=0.01)
    assert (times[0] | times[1]).all()
    assert times[1].sum() == (n if full_step == last_step else last)
    assert totals.examples == n


def test_loss_is_the_mean_over_examples_and_the_penalty_is_apart(small_data: TrainingData) -> None:
    """With weights that stand still the epoch's means are those of the whole training set."""
    config = changed(optimizer="sgd", learning_rate=1e-30, weight_decay=0.5, epochs=1)
    network = build_network(config, small_data.spec, len(small_data.train))
    epochs: list[EpochMetrics] = []
    checkpoint = Path(small_data.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "save", lambda *_: None)
        fit(network, small_data, checkpoint=checkpoint, on_epoch=epochs.append)
    loss, accuracy = network.evaluate(small_data.train.x, small_data.train.y)
    penalty = 0.25 * sum((w**2).sum() for w in network.model.get_weights() if w.ndim == 2)
    assert epochs[0].loss == pytest.approx(loss, rel=1e-5)
    assert epochs[0].penalty == pytest.approx(penalty, rel=1e-5)
    assert epochs[0].accuracy == pytest.approx(accuracy)
    val_loss, _ = network.evaluate(small_data.validation.x, small_data.validation.y)
    assert epochs[0].val_loss == val_loss


def test_norms_are_those_of_the_last_step(small_data: TrainingData) -> None:
    config = changed(optimizer="sgd", learning_rate=0.1)
    network = build_network(config, small_data.spec, len(small_data.train))
    with epoch_runner(network, small_data.train) as runner:
        norms = runner.run_epoch(1, never).norms
    weights = np.concatenate([w.ravel() for w in runner.network.model.get_weights()])
    assert norms.weights == pytest.approx(np.linalg.norm(weights), rel=1e-5)
    assert norms.update == pytest.approx(0.1 * norms.gradient, rel=1e-3)


@pytest.mark.parametrize("batch_size", [7, 16, 1000])
def test_nothing_is_traced_after_the_first_epoch(
    run: Callable[..., Run],
    small_data: TrainingData,
    tmp_path: Path,
    traces: list[NeuralNetwork],
    batch_size: int,
) -> None:
    config = changed(batch_size=batch_size, epochs=4, dropout=0.1)
    after_epoch: list[int] = []
    fit(
        build_network(config, small_data.spec, len(small_data.train)),
        small_data,
        checkpoint=tmp_path / "m",
        on_epoch=lambda _: after_epoch.append(len(traces)),
    )
    assert after_epoch[0] > 0
    assert len(set(after_epoch)) == 1


def test_patience_ends_a_run_that_does_not_improve(run: Callable[..., Run]) -> None:
    done = run(changed(epochs=50, patience=2, learning_rate=1e-30, optimizer="sgd"))
    assert done.result.outcome == "early_stopping"
    assert done.result.epochs_run == len(done.epochs) == 3
    assert done.result.best.epoch == 1


def test_without_patience_all_epochs_are_run(run: Callable[..., Run]) -> None:
    done = run(changed(epochs=5, patience=0, learning_rate=1e-30, optimizer="sgd"))
    assert (done.result.outcome, done.result.epochs_run) == ("completed", 5)


@pytest.mark.parametrize(("asks", "epochs_run"), [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_a_stop_drops_the_epoch_under_way_and_keeps_the_best(
    run: Callable[..., Run], asks: int, epochs_run: int
) -> None:
    """Asked in turn: in epoch 1, before epoch 2, in epoch 2 (one chunk an epoch), and so on."""
    whole = run(changed(epochs=2))
    asked = itertools.count()
    done = run(changed(epochs=100), should_stop=lambda: next(asked) == asks)
    assert done.result.outcome == "stopped"
    assert done.result.epochs_run == epochs_run
    assert timeless(done.epochs) == timeless(whole.epochs[:epochs_run])
    assert checkpoints.load(done.result.checkpoint)[1].metrics == done.result.best


def test_a_stop_is_seen_when_an_epoch_is_a_single_step(run: Callable[..., Run]) -> None:
    done = run(changed(epochs=100, batch_size=1000), should_stop=lambda: True)
    assert (done.result.outcome, done.result.epochs_run) == ("stopped", 1)


def test_a_stop_in_the_first_epoch_still_leaves_a_model(
    run: Callable[..., Run], small_data: TrainingData
) -> None:
    done = run(should_stop=lambda: True)
    assert (done.result.outcome, done.result.epochs_run, done.epochs) == ("stopped", 0, [])
    assert done.result.best.epoch == 0
    network, info = checkpoints.load(done.result.checkpoint)
    assert info.metrics == done.result.best
    _, accuracy = network.evaluate(small_data.validation.x, small_data.validation.y)
    assert accuracy == info.metrics.val_accuracy


def test_a_diverging_run_says_so_and_has_no_checkpoint(
    run: Callable[..., Run], tmp_path: Path
) -> None:
    with pytest.raises(TrainingDiverged, match=r"epoch 1 with learning_rate 1e\+20; use a") as got:
        run(changed(learning_rate=1e20, optimizer="sgd"))
    assert isinstance(got.value, RuntimeError)
    assert got.value.best is None
    assert got.value.checkpoint is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("optimizer", ["adam", "momentum", "rmsprop"])
def test_every_kind_of_optimizer_that_diverges_is_caught(
    run: Callable[..., Run], optimizer: str
) -> None:
    with pytest.raises(TrainingDiverged):
        run(changed(learning_rate=1e30, optimizer=optimizer))


def test_a_run_that_diverges_later_keeps_its_last_good_checkpoint(
    small_data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = build_network(CONFIG, small_data.spec, len(small_data.train))
    epochs: list[EpochMetrics] = []
    run_epoch = EpochRunner.run_epoch

    def spoil_the_third(self: EpochRunner, epoch: int, should_stop: Callable[[], bool]) -> Any:
        if epoch == 3:
            self.network.variables[0].assign(self.network.variables[0] * np.nan)
        return run_epoch(self, epoch, should_stop)

    monkeypatch.setattr(EpochRunner, "run_epoch", spoil_the_third)
    with pytest.raises(TrainingDiverged, match="is nan in epoch 3") as got:
        fit(network, small_data, checkpoint=tmp_path / "m", on_epoch=epochs.append)
    best = max(epochs, key=lambda metrics: metrics.val_accuracy)
    assert got.value.best == best
    assert got.value.checkpoint == tmp_path / "m"
    loaded, info = checkpoints.load(tmp_path / "m")
    assert info.metrics == best
    x = small_data.validation.x
    np.testing.assert_array_equal(loaded.predict(x), network.predict(x))
    assert np.isfinite(loaded.predict(x)).all()


def test_a_run_after_a_diverged_one_of_the_same_structure_is_not_touched_by_it(
    run: Callable[..., Run],
) -> None:
    config = changed(optimizer="nadam", dropout=0.25)
    alone = run(config)
    with pytest.raises(TrainingDiverged):
        run(changed(optimizer="nadam", dropout=0.25, learning_rate=1e30))
    assert timeless(run(config).epochs) == timeless(alone.epochs)


def test_a_run_of_the_same_structure_compiles_nothing(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(changed(hidden_size=17))
    steps = itertools.count()
    monkeypatch.setattr(NeuralNetwork, "take_step", lambda *_: next(steps))
    run(changed(hidden_size=17, seed=3, learning_rate=0.1, epochs=2))
    assert next(steps) == 0


def assert_memory_stays(train_one: Callable[[RunConfig], object]) -> None:
    """Thirty runs as a sweep's agent has them take less than 5 % more than three."""
    resident = []
    for i in range(30):
        train_one(changed(epochs=1, hidden_size=256, seed=i, learning_rate=0.001 * 1.1**i))
        gc.collect()
        resident.append(psutil.Process().memory_info().rss)
    assert resident[-1] < 1.05 * resident[2]  # a program a run would be 30 %


@pytest.mark.slow
def test_memory_does_not_grow_from_training_to_training(run: Callable[..., Run]) -> None:
    assert_memory_stays(run)


@pytest.mark.slow
def test_memory_does_not_grow_from_run_to_run_of_an_agent(tmp_path: Path) -> None:
    def train_one(config: RunConfig) -> None:
        values = {"dataset": "synthetic", "no_wandb": True}
        train_run(config.model_copy(update=values), StopRequest(), tmp_path)

    assert_memory_stays(train_one)
    assert len(list(tmp_path.glob("best_model_*.json"))) == 30
    assert not list(tmp_path.glob("*training_state*"))
