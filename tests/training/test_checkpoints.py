"""Checkpoints: exact, atomic, and refused in one line when they are not whole."""

import dataclasses
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from src.config.run_config import RunConfig
from src.datasets.spec import TrainingData
from src.model import NeuralNetwork
from src.shared.errors import UserError
from src.shared.paths import ROOT, checkpoint_files
from src.tracking.metrics import EpochMetrics
from src.training.checkpoints import load, save

METRICS = EpochMetrics(
    *(3, 0.5, 0.8, 0.4, 0.9, 0.9, 1e-3),
    grad_norm=1.0,
    weight_norm=2.0,
    update_norm=0.01,
    examples_per_second=1e5,
)
CONFIG = RunConfig(hidden_size=8, dropout=0.2, activation="gelu", seed=5, weight_decay=5e-4)


@pytest.fixture
def network(small_data: TrainingData) -> NeuralNetwork:
    return NeuralNetwork(CONFIG, small_data.spec)


def test_a_loaded_network_is_the_saved_one(network: NeuralNetwork, tmp_path: Path) -> None:
    stem = tmp_path / "made" / "best_model_a1.b2"  # a dot in a run id is not a suffix
    save(stem, network, METRICS)
    x = np.random.default_rng(0).integers(0, 256, (20, 6, 6, 1), dtype=np.uint8)
    for path in (stem, *checkpoint_files(stem)):
        loaded, info = load(path)
        np.testing.assert_array_equal(loaded.predict(x), network.predict(x))
        assert (info.config, info.spec, info.metrics) == (CONFIG, network.spec, METRICS)
        assert info.dataset == "fashion_mnist"
        assert info.packages.keys() == {"tensorflow", "keras", "numpy"}
    assert sorted(f.name for f in stem.parent.iterdir()) == [
        "best_model_a1.b2.json",
        "best_model_a1.b2.weights.h5",
    ]


def test_the_json_is_readable_and_says_nothing_of_the_replaced_weights(
    network: NeuralNetwork, tmp_path: Path
) -> None:
    save(tmp_path / "m", network, METRICS)
    network.model.set_weights([w + 1 for w in network.model.get_weights()])
    save(tmp_path / "m", network, dataclasses.replace(METRICS, epoch=4))
    written = json.loads((tmp_path / "m.json").read_text())
    assert written["metrics"]["epoch"] == 4
    assert written["config"]["activation"] == "gelu"
    assert "previous" not in written


@pytest.mark.slow
def test_a_process_killed_while_saving_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    """Kill it after each of its file replacements in turn, and before the first."""
    child = """
import os, signal, sys
from pathlib import Path
from src.training.checkpoints import save
from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec
from src.tracking.metrics import EpochMetrics
from src.model import NeuralNetwork
network = NeuralNetwork(RunConfig(hidden_size=8), InputSpec((6, 6, 1), ("a", "b"), (0.5,), (0.25,)))
def fill(value):
    network.model.set_weights([w * 0 + value for w in network.model.get_weights()])
stem, kill_at = Path(sys.argv[1]), int(sys.argv[2])
fill(1)
save(stem, network, EpochMetrics(1, *[0.5] * 10))
fill(2)
replace, count = Path.replace, 0
def counted(self, target):
    global count
    if count == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    count += 1
    return replace(self, target)
Path.replace = counted
save(stem, network, EpochMetrics(2, *[0.5] * 10))
"""
    epochs = []
    for kill_at in range(5):
        stem = tmp_path / f"m{kill_at}"
        done = subprocess.run([sys.executable, "-c", child, str(stem), str(kill_at)], cwd=ROOT)
        network, info = load(stem)
        for weight in network.model.get_weights():
            np.testing.assert_array_equal(weight, info.metrics.epoch)
        epochs.append(info.metrics.epoch)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert epochs[0] == 1
    assert epochs[-1] == 2
    assert len(epochs) >= 4, "the save was never killed between its files"


def edit(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def damage(stem: Path) -> None:
        values = json.loads(Path(f"{stem}.json").read_text())
        change(values)
        Path(f"{stem}.json").write_text(json.dumps(values))

    return damage


def write(suffix: str, content: bytes) -> Callable[[Path], object]:
    return lambda stem: Path(f"{stem}{suffix}").write_bytes(content)


def remove(suffix: str) -> Callable[[Path], object]:
    return lambda stem: Path(f"{stem}{suffix}").unlink()


def unreadable(suffix: str) -> Callable[[Path], None]:
    def spoil(stem: Path) -> None:
        file = Path(f"{stem}{suffix}")
        file.unlink()
        file.symlink_to("/proc/self/mem")  # nobody can read its beginning, not even root

    return spoil


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no json": (remove(".json"), "no checkpoint file .*json"),
    "unreadable json": (unreadable(".json"), "m.json cannot be read .Input/output error.; mend"),
    "unreadable weights": (unreadable(".weights.h5"), "m.weights.h5 cannot be read .Input/out"),
    "no weights": (remove(".weights.h5"), "no checkpoint file .*h5"),
    "not json": (write(".json", b"\x80\x04K\x01."), "does not describe a checkpoint"),
    "foreign json": (write(".json", b'{"a": 1}'), "does not describe a checkpoint"),
    "foreign weights": (write(".weights.h5", b"PK"), "damaged or not the file"),
    "newer format": (edit(lambda v: v.update(format_version=9)), "format 9, this version reads 1"),
    "unknown hyperparameter": (
        edit(lambda v: v.update(config={"fashion": 1})),
        "config.fashion: Extra inputs",
    ),
    "two faults, of which the first is named": (
        edit(lambda v: v.update(config={"dropout": 7, "epochs": 0})),
        "config.dropout: Input should be less",
    ),
    "no hyperparameters": (edit(lambda v: v.update(config=[])), "config: Input should be"),
    "hyperparameters that do not go together": (
        edit(lambda v: v.update(config={"model": "cnn", "num_layers": 2})),
        "m.json does not describe a checkpoint .*num_layers: it is for model mlp or rnn",
    ),
    "another shape": (
        edit(lambda v: v.update(config={"hidden_size": 9})),
        "does not fit its network",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_refused_in_one_line(
    network: NeuralNetwork, tmp_path: Path, damage: str
) -> None:
    save(tmp_path / "m", network, METRICS)
    spoil, message = DAMAGES[damage]
    spoil(tmp_path / "m")
    with pytest.raises(UserError, match=message) as caught:
        load(tmp_path / "m")
    assert "\n" not in str(caught.value)


def test_a_damaged_checkpoint_can_be_overwritten(network: NeuralNetwork, tmp_path: Path) -> None:
    save(tmp_path / "m", network, METRICS)
    (tmp_path / "m.json").write_text("{")
    save(tmp_path / "m", network, METRICS)
    assert load(tmp_path / "m")[1].metrics == METRICS
