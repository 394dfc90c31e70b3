"""The accuracy benchmark: nothing measured is lost or measured twice, and the numbers are right."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

from benchmarks import accuracy
from benchmarks.accuracy import Subject, collect, load, main, subjects
from benchmarks.accuracy_table import TARGETS, Measurement, accuracy_table, interval
from src.shared.errors import UserError
from src.shared.paths import RECIPES


def subject(name: str, digest: str = "d1", fails_at: int | None = None) -> Subject:
    """One whose accuracy is its seed's tenth."""

    def measure(seed: int) -> Measurement:
        if seed == fails_at:
            raise UserError("no data")
        return Measurement(name, seed, digest, seed / 10, 0.5, 3, 1.5)

    return Subject(name, f"A {name}.", f"make {name}", digest, measure)


def seeds_of(measured: list[Measurement], name: str) -> list[int]:
    return [one.seed for one in measured if one.name == name]


def test_an_interrupted_benchmark_goes_on_and_repeats_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results" / "accuracy.json"
    with pytest.raises(UserError, match="no data"):
        collect([subject("a"), subject("b", fails_at=1)], [0, 1, 2], file)
    assert [(one.name, one.seed) for one in load(file)] == [("a", 0), ("b", 0), ("a", 1)]
    capsys.readouterr()

    measured = collect([subject("a"), subject("b")], [0, 1, 2], file)

    assert capsys.readouterr().out.count("test accuracy") == 3
    assert measured == load(file)
    assert seeds_of(measured, "a") == seeds_of(measured, "b") == [0, 1, 2]


def test_a_changed_recipe_is_measured_again(tmp_path: Path) -> None:
    file = tmp_path / "accuracy.json"
    collect([subject("a")], [0], file)

    assert seeds_of(collect([subject("a", digest="d2")], [0], file), "a") == [0, 0]


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "accuracy.json"
    file.write_text('[{"name": "a"}]')
    with pytest.raises(UserError, match="is damaged"):
        collect([subject("a")], [0], file)
    assert file.read_text() == '[{"name": "a"}]'


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    """Of 2,000 triples of normal draws, 95 % of the intervals hold the true mean."""
    draws = np.random.default_rng(0).normal(5.0, 2.0, (2000, 3))
    held = [abs(float(row.mean()) - 5.0) <= interval(row.tolist()) for row in draws]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)
    assert interval([1.0, 2.0, 3.0]) == pytest.approx(t.ppf(0.975, 2) / np.sqrt(3))


def test_one_seed_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least two"):
        interval([0.5])


@pytest.mark.parametrize(
    ("accuracy", "minutes", "verdict"),
    [
        (0.80, 12.0, "0.800 in 12 minutes: met"),
        (0.79, 3.0, "0.800 in 12 minutes: missed by 0.0100"),
        (0.81, 12.5, "0.800 in 12 minutes: 0.5 minutes too slow"),
        (0.79, 13.0, "0.800 in 12 minutes: missed by 0.0100 and 1.0 minutes too slow"),
    ],
)
def test_the_table_says_whether_the_target_is_met(
    accuracy: float, minutes: float, verdict: str
) -> None:
    one = Measurement("cifar10_cnn", 0, "d", accuracy, 0.5, 15, minutes)
    rows = [("A CNN.", "train it", [replace(one, seed=seed) for seed in (2, 0)])]
    lines = accuracy_table(rows).splitlines()
    assert lines[2] == (
        f"| cifar10_cnn | A CNN | {accuracy:.4f} ± 0.0000 | 0, 2 | 15 | {minutes:.1f} | {verdict} |"
    )
    assert "train it --seed SEED" in lines


def test_every_recipe_and_every_target_is_a_subject() -> None:
    known = subjects()
    assert set(known) == {file.stem for file in RECIPES.glob("*.yaml")} | {"imdb_tfidf"}
    assert set(TARGETS) <= set(known)
    for one in known.values():
        assert one.what[0].isupper()
        assert one.what.endswith(".")
    assert len({one.digest for one in known.values()}) == len(known)


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(UserError, match="there is no recipe nope; choose of cifar10_cnn"):
        main(["nope"])


@pytest.mark.slow
def test_a_recipe_is_trained_and_tested_by_the_real_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.yaml").write_text("# Tiny.\ndataset: synthetic\nhidden_size: 16\nepochs: 2\n")
    monkeypatch.setattr(accuracy, "RECIPES", tmp_path)

    one = accuracy.subjects()["tiny"].measure(3)

    assert (one.name, one.seed, one.epochs) == ("tiny", 3, 2)
    assert 0.2 < one.accuracy <= 1
    assert 0.2 < one.val_accuracy <= 1
    assert 0 < one.minutes < 10
