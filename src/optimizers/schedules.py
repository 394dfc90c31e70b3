"""Learning-rate schedules: the learning rate of every step of a run, known beforehand.

A schedule is a function and an entry of ``SCHEDULES``. With t the steps taken before, out of T in
the run, and w those of ``warmup_epochs``, it gives the factor of ``learning_rate`` at each t. All
but ``one_cycle``, which has a rise of its own, are multiplied by (t+1)/w during the warm-up.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.shared.registry import Registry

Run = Any  # a RunConfig, which this room does not import
Steps = NDArray[Any]

# One cycle begins at 1/25 of the peak and ends at 1/10,000 of that, as in PyTorch and fast.ai.
_ONE_CYCLE_START = 1 / 25
_ONE_CYCLE_END = _ONE_CYCLE_START / 1e4
_ONE_CYCLE_RISE = 0.3


@dataclass(frozen=True)
class ScheduleEntry:
    """A schedule.

    Attributes:
        name: What ``--lr_schedule`` calls it.
        factor: From the run, t and the steps of an epoch to the factors, one for each t.
        reads: The hyperparameters that it takes besides ``epochs`` and ``warmup_epochs``.
        rises_by_itself: Whether ``warmup_epochs`` is its own to read.
    """

    name: str
    factor: Callable[[Run, Steps, int], Steps]
    reads: tuple[str, ...] = ()
    rises_by_itself: bool = False


def constant(run: Run, t: Steps, steps: int) -> Steps:
    """The learning rate as it is: 1."""
    return np.ones(len(t))


def cosine(run: Run, t: Steps, steps: int) -> Steps:
    """Half a cosine from 1, after the warm-up, to 0 at T.

    Source: Loshchilov & Hutter 2017, without restarts, https://arxiv.org/abs/1608.03983.
    """
    total, warmup = run.epochs * steps, run.warmup_epochs * steps
    return _half_cosine(1, 0, (t - warmup) / (total - warmup))


def step(run: Run, t: Steps, steps: int) -> Steps:
    """Times ``lr_step_factor`` after every ``lr_step_epochs`` epochs.

    Source: He et al. 2016, section 3.4, https://arxiv.org/abs/1512.03385.
    """
    reductions = t // (run.lr_step_epochs * steps)
    factors: Steps = run.lr_step_factor**reductions
    return factors


def one_cycle(run: Run, t: Steps, steps: int) -> Steps:
    """Half a cosine up from 1/25 during w, or 30 % of T, then half a cosine down to 1/250,000.

    Source: Smith & Topin 2018 in PyTorch's form, https://arxiv.org/abs/1708.07120.
    """
    total, warmup = run.epochs * steps, run.warmup_epochs * steps
    rise = warmup or _ONE_CYCLE_RISE * total
    up = _half_cosine(_ONE_CYCLE_START, 1, t / rise)
    down = _half_cosine(1, _ONE_CYCLE_END, (t - rise) / max(total - 1 - rise, 1))
    return np.where(t < rise, up, down)


SCHEDULES: Registry[ScheduleEntry] = Registry("lr_schedule")
for _entry in (
    ScheduleEntry("constant", constant),
    ScheduleEntry("cosine", cosine),
    ScheduleEntry("step", step, ("lr_step_epochs", "lr_step_factor")),
    ScheduleEntry("one_cycle", one_cycle, rises_by_itself=True),
):
    SCHEDULES.register(_entry)


def learning_rates(run: Run, epoch: int, steps: int) -> NDArray[np.float32]:
    """The learning rate of each step of one epoch.

    Args:
        run: The run.
        epoch: Counts from 1.
        steps: Of an epoch.

    Returns:
        Shape ``(steps,)``.
    """
    schedule = SCHEDULES[run.lr_schedule]
    t = (epoch - 1) * steps + np.arange(steps)
    factor, warmup = schedule.factor(run, t, steps), run.warmup_epochs * steps
    if warmup and not schedule.rises_by_itself:
        factor = factor * np.minimum((t + 1) / warmup, 1)
    rates: NDArray[np.float32] = (run.learning_rate * factor).astype(np.float32)
    return rates


def _half_cosine(start: float, end: float, share: Steps) -> Steps:
    """From ``start`` where ``share`` is 0 or less to ``end`` where it is 1 or more."""
    factor: Steps = end + (start - end) * (1 + np.cos(math.pi * np.clip(share, 0, 1))) / 2
    return factor
