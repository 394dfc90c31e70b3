"""Mirrored training: two devices give the metrics of one. Devices are set up once a process."""

import json
import subprocess
import sys
from typing import Any

import pytest

from src.shared.paths import ROOT

# Trains on synthetic data with one device, with two logical CPU devices, and with two again but
# cut off after an epoch and gone on with; prints the metrics.
SCRIPT = """
import dataclasses, json, sys, tempfile
from pathlib import Path
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from src import datasets
from src.config.run_config import RunConfig
from src.training.execution import build_network
from src.training.loop import fit

results, states = {}, []
for name in ("single", "mirrored", "resumed"):
    strategy = "single" if name == "single" else "mirrored"
    config = RunConfig.parse({**json.loads(sys.argv[1]), "strategy": strategy})
    data = datasets.load_training(config)
    network = build_network(config, data.spec, len(data.train))
    resumed = states[-config.epochs] if name == "resumed" else None  # after its first epoch
    epochs = list(resumed.epochs) if resumed else []
    with tempfile.TemporaryDirectory() as folder:
        fit(
            network, data, checkpoint=Path(folder) / "m",
            on_epoch=epochs.append, save_state=states.append, resumed=resumed,
        )
    results[name] = [dataclasses.asdict(metrics) for metrics in epochs]
print(json.dumps(results))
"""


def run(**values: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT, json.dumps({"dataset": "synthetic", **values})]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    "values",
    [
        {"hidden_size": 16, "optimizer": "nadam", "weight_decay": 0.001, "clip_norm": 1.0},
        {"model": "cnn", "filters": [4, 8], "hidden_size": 8, "shift": 1, "optimizer": "momentum"},
        {"dataset": "synthetic_reviews", "vocabulary_size": 50, "hidden_size": 8, "clip_norm": 0.1},
    ],
)
@pytest.mark.slow
def test_two_devices_train_as_one(values: dict[str, Any]) -> None:
    """1080 examples in batches of 32: the last one, of 24, is shared as well."""
    done = run(epochs=2, learning_rate=0.003, **values)
    assert done.returncode == 0, done.stderr[-2000:]
    results = json.loads(done.stdout.splitlines()[-1])
    assert len(results["single"]) == len(results["mirrored"]) == 2
    for single, mirrored in zip(results["single"], results["mirrored"], strict=True):
        for name in ("loss", "val_loss", "grad_norm", "weight_norm", "update_norm"):
            assert mirrored[name] == pytest.approx(single[name], rel=2e-3), name
        for name in ("accuracy", "val_accuracy"):
            assert mirrored[name] == pytest.approx(single[name], abs=0.01), name
    for name in ("mirrored", "resumed"):
        for metrics in results[name]:
            del metrics["examples_per_second"]
    assert results["resumed"] == results["mirrored"]


@pytest.mark.slow
def test_batch_norm_and_dropout_train_on_two_devices() -> None:
    done = run(epochs=5, learning_rate=0.01, hidden_size=32, batch_norm=True, dropout=0.1)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1])["mirrored"][-1]["val_accuracy"] > 0.6


@pytest.mark.slow
def test_a_last_batch_smaller_than_the_devices_is_refused() -> None:
    done = run(epochs=1, batch_size=1079)
    assert "--batch_size: 1079 leaves a last batch of 1 of 1080 examples" in done.stderr


@pytest.mark.slow
def test_one_device_is_refused_in_one_line() -> None:
    command = [sys.executable, "-m", "src.train", "--dataset", "synthetic", "--no_wandb"]
    done = subprocess.run(
        [*command, "--strategy", "mirrored"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "--strategy: mirrored needs at least 2 GPUs" in done.stderr
    assert "Traceback" not in done.stderr
