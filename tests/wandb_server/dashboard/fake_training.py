"""An agent whose runs log what a training run logs, without training: made for the dashboard.

``python fake_training.py SWEEP_PATH COUNT EPOCH_SECONDS GATE``

Runs stay at what they have after two epochs, and log it again, until the file GATE is there: so
early termination, decided whenever a run logs, has stopped the worst of them when it is written.
"""

import math
import random
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import wandb

CLASSES = [
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
]
EPOCHS = 6
_OPTIMIZER_BONUS = {"sgd": -0.12, "adam": 0.03, "nadam": 0.04}


def train(epoch_seconds: float, gate: Path) -> None:
    """One run: ``EPOCHS`` points, a confusion matrix, an image, a table and an artifact."""
    with wandb.init() as run:
        config = run.config
        rng = random.Random(run.id)
        # Best near 1e-3, so that the learning rate matters most.
        miss = abs(math.log10(config.learning_rate) + 3)
        ceiling = 0.92 - 0.13 * miss + _OPTIMIZER_BONUS[config.optimizer] + rng.gauss(0, 0.004)
        best = 0.0
        for epoch in range(1, EPOCHS + 1):
            time.sleep(epoch_seconds)
            accuracy = ceiling * (1 - 0.45 * math.exp(-0.9 * epoch)) + rng.gauss(0, 0.004)
            best = max(best, accuracy)
            print(f"epoch {epoch}/{EPOCHS}  val_accuracy {accuracy:.4f}")
            run.log(
                {
                    "epoch": epoch,
                    "loss": 2.1 * math.exp(-0.5 * epoch) + 0.9 - ceiling * 0.8,
                    "accuracy": accuracy + 0.01 * epoch / EPOCHS,
                    "val_loss": 2.2 * math.exp(-0.45 * epoch) + 1 - ceiling * 0.8,
                    "val_accuracy": accuracy,
                    "best_val_accuracy": best,
                    "learning_rate": config.learning_rate,
                    "grad_norm": 2.5 * math.exp(-0.2 * epoch) + rng.random() * 0.2,
                    "weight_norm": 22 + 0.4 * epoch,
                    "update_norm": 0.01 / epoch,
                    "examples_per_second": 50_000 + 2_000 * rng.random(),
                }
            )
            while epoch == 2 and not gate.exists():
                time.sleep(epoch_seconds)
                run.log({"epoch": epoch, "val_accuracy": accuracy})
        _log_media(run, best, np.random.default_rng(rng.randrange(2**32)))


def _log_media(run: "wandb.Run", accuracy: float, rng: np.random.Generator) -> None:
    truth = rng.integers(0, len(CLASSES), 1000)
    # Shirts are taken for T-shirts so often that this stands out; other mistakes are spread.
    right = rng.random(1000) < np.where(truth == 6, accuracy / 2, accuracy)
    mistaken = np.where(truth == 6, 0, rng.integers(0, len(CLASSES), 1000))
    picture = rng.integers(0, 255, (28, 28), dtype=np.uint8)
    run.log(
        {
            "confusion_matrix": wandb.plot.confusion_matrix(
                y_true=truth.tolist(),
                preds=np.where(right, truth, mistaken).tolist(),
                class_names=CLASSES,
            ),
            "examples": [wandb.Image(picture, caption="Shirt"), wandb.Image(255 - picture)],
            "weights": wandb.Histogram(rng.normal(size=500)),
            "mistakes": wandb.Table(
                columns=["image", "true", "predicted", "confidence"],
                data=[[i, "<b>Shirt</b>", "T-shirt/top", round(0.9 - i / 50, 3)] for i in range(8)],
            ),
        }
    )
    artifact = wandb.Artifact(f"best_model_{run.id}", type="model", metadata={"epoch": EPOCHS})
    with TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.h5"
        weights.write_bytes(rng.bytes(2048))
        artifact.add_file(str(weights))
        run.log_artifact(artifact)


if __name__ == "__main__":
    sweep_path, count, seconds, gate = sys.argv[1:]
    wandb.agent(sweep_path, function=lambda: train(float(seconds), Path(gate)), count=int(count))
