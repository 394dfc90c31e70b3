"""A run for each model family and, among them, each optimizer with slots."""

from typing import Any

_PICTURES = {"dataset": "synthetic", "epochs": 4, "batch_size": 16}
_REVIEWS = {"dataset": "synthetic_reviews", "epochs": 4, "batch_size": 16, "sequence_length": 12}
_AUGMENTED = {"shift": 1, "flip": True, "cutout": 2}

RUNS: dict[str, dict[str, Any]] = {
    "mlp": _PICTURES
    | _AUGMENTED
    | {"hidden_size": 16, "dropout": 0.3, "batch_norm": True, "optimizer": "nadam"},
    "mlp on reviews": _REVIEWS | {"hidden_size": 8, "dropout": 0.3, "optimizer": "nag"},
    "mlp without XLA": _PICTURES
    | {"hidden_size": 16, "dropout": 0.3, "jit": "off", "lr_schedule": "one_cycle"},
    "cnn": _PICTURES
    | _AUGMENTED
    | {"model": "cnn", "filters": (4,), "hidden_size": 8, "dropout": 0.3, "batch_norm": True}
    | {"optimizer": "rmsprop", "lr_schedule": "cosine", "warmup_epochs": 1.5},
    "resnet": _PICTURES | {"model": "resnet", "width": 2, "flip": True, "optimizer": "momentum"},
    "rnn": _REVIEWS
    | {"model": "rnn", "cell": "lstm", "bidirectional": True, "hidden_size": 4, "dropout": 0.3}
    | {"embedding_size": 4, "optimizer": "adamw", "weight_decay": 0.01, "clip_norm": 1.0},
    "rnn on pictures": _PICTURES
    | {"model": "rnn", "cell": "gru", "hidden_size": 4, "shift": 1, "optimizer": "adam"},
}


def flags(run: str) -> list[str]:
    """The run as a command line has it."""
    return [
        f"--{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name, value in RUNS[run].items()
    ]
