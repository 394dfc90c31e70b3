"""Runs, checkpoints and training states that an earlier version wrote still mean the same.

What is in ``recorded/`` was written before the code was arranged in rooms: the metrics of every
epoch of a run of each family, some of their checkpoints, and the states of two runs cut off after
two of four epochs. Other processors round otherwise, so numbers are compared to a tolerance.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from src import datasets
from src.config.run_config import RunConfig
from src.datasets.catalogue import CATALOGUE
from src.tracking.metrics import EpochMetrics
from src.training import checkpoints
from src.training.execution import build_network
from src.training.loop import fit
from src.training.state_file import Progress, StateFile

RECORDED = Path(__file__).parent / "recorded"
RUNS: dict[str, dict[str, Any]] = json.loads((RECORDED / "runs.json").read_text())
CHECKPOINTS = ("mlp", "cnn", "resnet", "rnn")

# Resnets and rnns take the longest to compile.
_LONG = ("resnet", "rnn", "rnn on pictures", "two lstm layers, jit", "bfloat16 lstm")
EACH_RUN = [pytest.param(run, marks=[pytest.mark.slow] if run in _LONG else []) for run in RUNS]

# One of the 120 validation examples may be on the other side.
_ACCURACY = 0.01
# bfloat16 keeps three digits.
_RELATIVE = {"float32": 1e-4, "bfloat16": 1e-2}
_CLIPPED = 10
# A gradient's norm at one step wavers more than a mean over an epoch.
_NORMS = 10


def train(
    config: RunConfig, checkpoint: Path, resumed: Progress | None = None
) -> list[EpochMetrics]:
    """The epochs of a run, or those that are left of it."""
    data = datasets.load_training(config)
    network = build_network(config, data.spec, len(data.train))
    epochs: list[EpochMetrics] = []
    fit(network, data, checkpoint=checkpoint, on_epoch=epochs.append, resumed=resumed)
    return epochs


def assert_alike(
    epochs: Sequence[EpochMetrics], expected: Sequence[dict[str, Any]], config: RunConfig
) -> None:
    assert [metrics.epoch for metrics in epochs] == [row["epoch"] for row in expected]
    relative = _RELATIVE[config.precision]
    # Recorded with the rows of a word's gradient not summed up, in the norm and where it clipped.
    reviews = CATALOGUE[config.dataset].spec.kind == "reviews"
    if reviews and config.clip_norm:
        relative *= _CLIPPED
    for metrics, row in zip(epochs, expected, strict=True):
        for name, value in row.items():
            if reviews and name in ("grad_norm", "update_norm"):
                continue
            found = getattr(metrics, name)
            if name == "loss":  # in these recordings with the penalty of the epoch's last weights
                found += metrics.penalty
            if name.endswith("accuracy"):
                about = pytest.approx(value, abs=_ACCURACY)
            else:
                about = pytest.approx(
                    value, rel=relative * (_NORMS if name.endswith("_norm") else 1)
                )
            assert found == about, (metrics.epoch, name)


def comparable(epochs: Sequence[EpochMetrics]) -> list[dict[str, Any]]:
    """Epochs as they are recorded: without their speed, and with the penalty in the loss."""
    rows = [asdict(metrics) for metrics in epochs]
    return [
        {k: v for k, v in row.items() if k not in ("examples_per_second", "penalty")}
        | {"loss": row["loss"] + row["penalty"]}
        for row in rows
    ]


@pytest.mark.parametrize("name", EACH_RUN)
def test_a_seed_gives_the_metrics_that_it_always_gave(name: str, tmp_path: Path) -> None:
    config = RunConfig.parse(RUNS[name]["config"])
    assert_alike(train(config, tmp_path / "best_model_x"), RUNS[name]["epochs"], config)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_an_old_checkpoint_predicts_as_it_did(name: str) -> None:
    network, info = checkpoints.load(RECORDED / f"best_model_{name}")
    assert info.config == RunConfig.parse(RUNS[name]["config"])
    validation = datasets.load_training(info.config).validation
    loss, accuracy = network.evaluate(validation.x, validation.y)
    assert loss == pytest.approx(info.metrics.val_loss, rel=1e-4)
    assert accuracy == pytest.approx(info.metrics.val_accuracy, abs=_ACCURACY)
    assert (network.predict(validation.x).argmax(axis=1) == validation.y).mean() == pytest.approx(
        accuracy
    )


@pytest.mark.parametrize("run_id", ["oldmlp01", pytest.param("oldrnn01", marks=pytest.mark.slow)])
def test_an_old_training_state_goes_on_as_if_never_cut_off(run_id: str, tmp_path: Path) -> None:
    for file in RECORDED.glob(f"*{run_id}*"):
        shutil.copy(file, tmp_path)
    record, progress = StateFile(tmp_path, run_id).load()
    assert (record.address.run_id, len(progress.epochs)) == (run_id, 2)
    rest = train(record.config, tmp_path / f"best_model_{run_id}", progress)
    if record.config == RunConfig.parse(RUNS["mlp"]["config"]):
        whole = RUNS["mlp"]["epochs"]
    else:  # with fewer words than the recorded run
        whole = comparable(train(record.config, tmp_path / "best_model_whole"))
    assert_alike([*progress.epochs, *rest], whole, record.config)
