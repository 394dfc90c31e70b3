"""The ranges of the optimizers' hyperparameters, for the optimizers and for the command line.

The keys are those of pydantic's ``Field``: ``gt`` is above, ``ge`` at least, ``lt`` below.
"""

_DECAY_RATE = {"ge": 0.0, "lt": 1.0}  # of a running average

LIMITS: dict[str, dict[str, float]] = {
    "learning_rate": {"gt": 0.0},
    "weight_decay": {"ge": 0.0},
    "momentum": _DECAY_RATE,
    "beta_1": _DECAY_RATE,
    "beta_2": _DECAY_RATE,
    "epsilon": {"gt": 0.0},
    "rho": _DECAY_RATE,
}
