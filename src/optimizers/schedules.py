"""Learning-rate schedules: the learning rate of every step of a run, known beforehand."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.config.run_config import RunConfig

# One cycle begins at 1/25 of the peak and ends at 1/10,000 of that, as in PyTorch and fast.ai.
_ONE_CYCLE_START = 1 / 25
_ONE_CYCLE_END = _ONE_CYCLE_START / 1e4
_ONE_CYCLE_RISE = 0.3


def learning_rates(config: RunConfig, epoch: int, steps: int) -> NDArray[np.float32]:
    """The learning rate of each step of one epoch.

    With t the steps taken before, out of T in the run, and w those of ``warmup_epochs``:

    - every schedule but ``one_cycle`` is multiplied by (t+1)/w during the warm-up;
    - ``constant``: ``learning_rate``;
    - ``cosine``: half a cosine from there to 0, after the warm-up (Loshchilov & Hutter 2017,
      without restarts);
    - ``step``: times ``lr_step_factor`` after every ``lr_step_epochs`` epochs;
    - ``one_cycle``: half a cosine up from 1/25 of it during w, or 30 % of T if there is no
      warm-up, then half a cosine down to 1/250,000 (Smith & Topin 2018, in PyTorch's form).

    Args:
        config: the run.
        epoch: counts from 1.
        steps: of an epoch.

    Returns:
        Shape ``(steps,)``.
    """
    t = (epoch - 1) * steps + np.arange(steps)
    total, warmup = config.epochs * steps, config.warmup_epochs * steps
    if config.lr_schedule == "one_cycle":
        rise = warmup or _ONE_CYCLE_RISE * total
        up = _half_cosine(_ONE_CYCLE_START, 1, t / rise)
        down = _half_cosine(1, _ONE_CYCLE_END, (t - rise) / max(total - 1 - rise, 1))
        factor = np.where(t < rise, up, down)
    elif config.lr_schedule == "cosine":
        factor = _half_cosine(1, 0, (t - warmup) / (total - warmup))
    elif config.lr_schedule == "step":
        factor = config.lr_step_factor ** (t // (config.lr_step_epochs * steps))
    else:
        factor = np.ones(steps)
    if warmup and config.lr_schedule != "one_cycle":
        factor = factor * np.minimum((t + 1) / warmup, 1)
    return (config.learning_rate * factor).astype(np.float32)


def _half_cosine(start: float, end: float, share: NDArray[Any]) -> NDArray[Any]:
    """From ``start`` where ``share`` is 0 or less to ``end`` where it is 1 or more."""
    factor: NDArray[Any] = end + (start - end) * (1 + np.cos(math.pi * np.clip(share, 0, 1))) / 2
    return factor
