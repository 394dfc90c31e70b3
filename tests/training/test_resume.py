"""A training that is cut off and goes on from its saved state ends as if it had not been."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from src import datasets
from src.config.run_config import RunConfig
from src.datasets.spec import Split, TrainingData
from src.shared.errors import UserError
from src.tracking.address import RunAddress
from src.tracking.metrics import EpochMetrics
from src.training import checkpoints
from src.training.execution import build_network
from src.training.loop import TrainingResult, fit, never
from src.training.state_file import Progress, RunRecord, StateFile
from tests.training.resumable_runs import RUNS

BASE = RunConfig.parse(RUNS["mlp"])
Arrays = Mapping[str, NDArray[Any]]


class Cut(BaseException):
    """What ends a training here where elsewhere the system would."""


class Session:
    """One training in a folder, as a process would do it, and what came out of it."""

    def __init__(self, folder: Path, config: RunConfig, data: TrainingData) -> None:
        self.config, self.data = config, data
        self.state = StateFile(folder, "r")
        self.checkpoint = folder / "best_model_r"
        self.announced: list[EpochMetrics] = []
        self.arrays: Arrays = {}
        self.network = build_network(config, data.spec, len(data.train))

    def run(
        self,
        *,
        resume: bool = False,
        cut_saving: int | None = None,
        cut_saved: int | None = None,
        cut_announcing: int | None = None,
        should_stop: Callable[[], bool] = never,
    ) -> TrainingResult:
        """Train to the end or to the cut: of which epoch, and when of that."""
        record = RunRecord(RunAddress("r", "p", None), self.config, self.data.spec)

        def save(progress: Progress) -> None:
            self.arrays = progress.arrays
            if len(progress.epochs) == cut_saving:
                raise Cut
            self.state.save(record, progress)
            if len(progress.epochs) == cut_saved:
                raise Cut

        def announce(metrics: EpochMetrics) -> None:
            if metrics.epoch == cut_announcing:
                raise Cut
            self.announced.append(metrics)

        return fit(
            self.network,
            self.data,
            checkpoint=self.checkpoint,
            on_epoch=announce,
            should_stop=should_stop,
            save_state=save,
            resumed=self.state.load()[1] if resume else None,
        )


def few(config: RunConfig) -> TrainingData:
    """150 examples to train on: whole batches and a rest."""
    data = datasets.load_training(config)
    train, validation = data.train, data.validation
    return dataclasses.replace(
        data,
        train=Split(train.x[:150], train.y[:150]),
        validation=Split(validation.x[:60], validation.y[:60]),
    )


def timeless(epochs: tuple[EpochMetrics, ...]) -> list[EpochMetrics]:
    return [dataclasses.replace(metrics, examples_per_second=0.0) for metrics in epochs]


def assert_same(first: Arrays, second: Arrays) -> None:
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], name, strict=True)


def assert_same_end(cut: Session, whole: Session) -> None:
    (_, cut_progress), (_, whole_progress) = cut.state.load(), whole.state.load()
    assert timeless(cut_progress.epochs) == timeless(whole_progress.epochs)
    assert_same(cut_progress.arrays, whole_progress.arrays)
    loaded = [checkpoints.load(session.checkpoint) for session in (cut, whole)]
    assert len({info.metrics.epoch for _, info in loaded}) == 1
    networks = [network for network, _ in loaded] + [cut.network, whole.network]
    for network in networks[1:]:
        weights = zip(network.model.get_weights(), networks[0].model.get_weights(), strict=True)
        for own, expected in weights:
            np.testing.assert_array_equal(own, expected)


class Pair:
    """A training that was never cut off, and another of the same run in a folder of its own."""

    def __init__(self, tmp_path: Path, config: RunConfig) -> None:
        self.config, self.data = config, few(config)
        self._folder = tmp_path / "cut"
        for folder in (tmp_path / "whole", self._folder):
            folder.mkdir()
        self.whole = Session(tmp_path / "whole", config, self.data)
        self.whole.run()

    def session(self) -> Session:
        """The other training, as a new process."""
        return Session(self._folder, self.config, self.data)

    def go_on(self) -> tuple[Session, TrainingResult]:
        """The rest of the other training, which ends as the whole one."""
        cut = self.session()
        result = cut.run(resume=True)
        assert_same_end(cut, self.whole)
        return cut, result


@pytest.mark.parametrize(
    "name",
    # Resnets and rnns take the longest to compile.
    [
        pytest.param(run, marks=[pytest.mark.slow] if run.startswith(("resnet", "rnn")) else [])
        for run in RUNS
    ],
)
def test_it_ends_the_same_to_the_last_bit(tmp_path: Path, name: str) -> None:
    config = RunConfig.parse(RUNS[name])
    pair = Pair(tmp_path, config)
    with pytest.raises(Cut):
        pair.session().run(cut_announcing=2)
    # The compiled steps are kept in this process; another run leaves its own state in them.
    other = Session(tmp_path, config.model_copy(update={"seed": 9, "epochs": 1}), pair.data)
    other.run()
    cut, _ = pair.go_on()
    assert [metrics.epoch for metrics in cut.announced] == [3, 4]
    assert any(np.any(value != other.arrays[key]) for key, value in cut.arrays.items())


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nag", "rmsprop", "adam", "adamw"])
def test_every_optimizer_goes_on(tmp_path: Path, optimizer: str) -> None:
    config = RunConfig.parse(
        {"dataset": "synthetic", "hidden_size": 8, "num_layers": 1, "batch_size": 32, "epochs": 3}
        | {"optimizer": optimizer, "weight_decay": 0.01, "dropout": 0.2}
    )
    pair = Pair(tmp_path, config)
    with pytest.raises(Cut):
        pair.session().run(cut_saved=1)
    pair.go_on()


@pytest.mark.parametrize("epoch", range(5))
@pytest.mark.parametrize("moment", ["cut_saving", "cut_saved", "cut_announcing"])
def test_it_may_be_cut_at_every_moment_of_every_epoch(
    tmp_path: Path, moment: str, epoch: int
) -> None:
    """After its state but before its checkpoint is saved, too, and before the first epoch."""
    if (moment, epoch) in (("cut_saving", 0), ("cut_announcing", 0)):
        epoch = 1
    # So large a step that the best epoch is not the last.
    pair = Pair(tmp_path, BASE.model_copy(update={"learning_rate": 0.1}))
    with pytest.raises(Cut):
        pair.session().run(**{moment: epoch})  # type: ignore[arg-type]
    cut, result = pair.go_on()
    assert (result.outcome, result.epochs_run) == ("completed", 4)
    assert result.best.epoch == checkpoints.load(cut.checkpoint)[1].metrics.epoch


def test_it_may_be_cut_again_and_again(tmp_path: Path) -> None:
    pair = Pair(tmp_path, BASE)
    for epoch in range(4):
        with pytest.raises(Cut):
            pair.session().run(resume=epoch > 0, cut_saved=epoch)
    pair.go_on()


def test_a_stopped_run_goes_on_after_its_last_whole_epoch(tmp_path: Path) -> None:
    pair = Pair(tmp_path, BASE)
    stopped = pair.session()
    result = stopped.run(should_stop=lambda: len(stopped.announced) == 2)
    assert (result.outcome, result.epochs_run) == ("stopped", 2)
    pair.go_on()


def test_a_run_stopped_in_its_first_epoch_begins_again(tmp_path: Path) -> None:
    pair = Pair(tmp_path, BASE)
    assert pair.session().run(should_stop=lambda: True).epochs_run == 0
    pair.go_on()


def test_patience_counts_the_epochs_before_the_cut(tmp_path: Path) -> None:
    values = {"learning_rate": 1e-30, "optimizer": "sgd", "patience": 3, "epochs": 50}
    config = RunConfig.parse({"dataset": "synthetic", "hidden_size": 8} | values)
    data = few(config)
    for epoch in (2, 4):  # the fourth epoch is its last: killed there, none is left to train
        with pytest.raises(Cut):
            Session(tmp_path, config, data).run(cut_announcing=epoch)
        result = Session(tmp_path, config, data).run(resume=True)
        assert (result.outcome, result.epochs_run) == ("early_stopping", 4)
        assert result.best.epoch == 1


def test_a_state_of_another_network_is_refused(tmp_path: Path) -> None:
    data = few(BASE)
    Session(tmp_path, BASE, data).run(should_stop=lambda: True)
    for values in ({"hidden_size": 17}, {"optimizer": "sgd"}, {"batch_norm": False}):
        other = Session(tmp_path, BASE.model_copy(update=values), data)
        with pytest.raises(UserError, match="the saved state does not fit the network") as raised:
            other.run(resume=True)
        assert "\n" not in str(raised.value)
