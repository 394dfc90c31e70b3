"""The benchmark of what mattered: its sweeps have the effect they say, its tables the counts."""

import numpy as np
import pytest

from benchmarks.importance import _said, text
from benchmarks.machine import machine
from benchmarks.planted import EFFECTS, planted, stopped_early


@pytest.mark.parametrize("effect", [effect for effect in EFFECTS if effect != "none"])
def test_a_planted_effect_makes_its_share_of_a_variance_of_one(effect: str) -> None:
    planted_effect = EFFECTS[effect]
    assert planted_effect is not None
    name, gain = planted_effect
    _, trials = planted(effect, 4000, 0, share=0.3)
    results = [result for _, result in trials]
    gains = [gain(params[name]) for params, _ in trials]
    assert np.var(results) == pytest.approx(1, abs=0.1)
    assert np.corrcoef(gains, results)[0, 1] ** 2 == pytest.approx(0.3, abs=0.05)


def test_hyperband_leaves_the_best_to_their_end_and_the_others_below_their_result() -> None:
    _, trials = planted("on or off", 40, 0)
    everything, ended = stopped_early(trials, 0)
    assert (len(everything), len(ended)) == (40, 5)
    assert all(trial in everything for trial in ended)
    lack = [whole - cut for (_, whole), (_, cut) in zip(trials, everything, strict=True)]
    assert np.mean(lack) > 0.5


def test_tables_have_shares_with_intervals() -> None:
    said = [_said("random search", effect, 20, 3, {}) for effect in EFFECTS]
    first = [{"effect": "none", "runs": 20, "sweeps": 4, "top": 0.3}]
    counts = {"importance": 4, "p-value": 2, "W&B importance": 1, "W&B correlation": 0}
    first.append(
        {"effect": "on or off", "runs": 20, "sweeps": 4, "top": 0.5}
        | {"counts": counts, "spread": 0.1, "told": 0.11}
    )
    shown = text({"machine": machine(), "sweeps": 3, "first": first, "said": said})
    assert "| 20 | on or off | 4 | 1.00 (0.51 - 1.00) | 0.50 (0.15 - 0.85) |" in shown
    assert "its first 0.30 (20 runs) on average. The spread that is told is 1.10 times" in shown
    assert "| random search | 20 | 3 | 0.00 (0.00 - 0.56) |" in shown
