import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from PIL import Image

from src import datasets
from src.config.run_config import RunConfig
from src.evaluate import Evaluation, evaluate_checkpoint, main
from src.model import NeuralNetwork
from src.shared.errors import UserError
from src.shared.paths import ROOT
from src.tracking.metrics import EpochMetrics
from src.training import checkpoints
from src.training.execution import build_network
from src.training.loop import fit


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stem of a model trained on the synthetic data for two epochs, with the mse loss."""
    config = RunConfig(
        dataset="synthetic", epochs=2, hidden_size=32, loss="mse", optimizer="rmsprop"
    )
    data = datasets.load_training(config)
    network = build_network(config, data.spec, len(data.train))
    stem = tmp_path_factory.mktemp("models") / "best_model_tiny"
    fit(network, data, checkpoint=stem, on_epoch=lambda metrics: None)
    return stem


@pytest.fixture(scope="module")
def evaluation(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return evaluate_checkpoint(checkpoint, output_dir=tmp_path_factory.mktemp("plots"))


def run(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def assert_one_line_error(result: subprocess.CompletedProcess[str], *words: str) -> None:
    errors = result.stderr.splitlines()
    assert result.returncode == 2, result.stderr
    assert len(errors) == 1, result.stderr
    assert errors[0].startswith("error: ")
    for word in words:
        assert word in errors[0]


def test_report_folder_is_named_after_model_and_data_set_and_is_complete(
    evaluation: Evaluation,
) -> None:
    assert evaluation.folder.name == "best_model_tiny_synthetic"
    assert {file.name for file in evaluation.files} == {
        *("report.html", "metrics.json", "predictions.csv", "sample_predictions.png"),
        *("confusion_matrix.png", "confusion_matrix_normalised.png", "per_class_accuracy.png"),
    }
    for file in evaluation.files:
        assert file.stat().st_size > 0
        if file.suffix == ".png":
            with Image.open(file) as image:
                image.verify()
                assert min(image.size) >= 400


def test_metrics_agree_with_predictions_and_with_the_model_on_the_test_set(
    checkpoint: Path, evaluation: Evaluation
) -> None:
    summary = json.loads((evaluation.folder / "metrics.json").read_text())
    table = pd.read_csv(evaluation.folder / "predictions.csv")
    network, _ = checkpoints.load(checkpoint)
    spec, test = datasets.load_test(RunConfig(dataset="synthetic"))
    probabilities = network.predict(test.x).astype(np.float64)
    squared_errors = (probabilities - np.eye(spec.num_classes)[test.y]) ** 2

    assert summary["accuracy"] == evaluation.metrics["accuracy"] == table["correct"].mean()
    assert (table["true"] == table["predicted"]).mean() == summary["accuracy"]
    assert table["true"].tolist() == [spec.class_names[label] for label in test.y]
    assert table["confidence"].to_numpy() == pytest.approx(probabilities.max(axis=1), abs=1e-5)
    assert summary["loss"] == pytest.approx(squared_errors.mean(), rel=1e-5)
    recalls = [values["recall"] for values in summary["per_class"].values()]
    assert summary["macro_recall"] == pytest.approx(np.mean(recalls))
    # The test halves of the synthetic classes are equally large.
    assert summary["macro_recall"] == pytest.approx(summary["accuracy"])
    # It has learnt something: chance is 0.25.
    assert summary["accuracy"] > 0.4


def test_report_shows_only_the_hyperparameters_that_the_run_has_read(
    evaluation: Evaluation,
) -> None:
    config = json.loads((evaluation.folder / "metrics.json").read_text())["config"]

    assert config["optimizer"] == "rmsprop"
    assert {"rho", "epsilon", "weight_decay", "loss", "seed"} <= set(config)
    assert not {"beta_1", "beta_2", "momentum", "no_wandb", "run_name"} & set(config)


def test_evaluations_leave_no_figure_open(evaluation: Evaluation) -> None:
    assert evaluation.files
    assert pyplot.get_fignums() == []


def test_script_in_src_takes_a_path_relative_to_the_working_directory(
    checkpoint: Path, evaluation: Evaluation, tmp_path: Path
) -> None:
    relative = os.path.relpath(checkpoint, ROOT / "src") + ".weights.h5"
    result = run(
        *("evaluate.py", "--model_path", relative, "--dataset=synthetic"),
        *("--output_dir", tmp_path),
        cwd=ROOT / "src",
    )

    assert result.returncode == 0, result.stderr
    folder = tmp_path / "best_model_tiny_synthetic"
    assert f"Report: {folder / 'report.html'}" in result.stdout
    assert f"{evaluation.metrics['accuracy']:.4f}" in result.stdout
    # The same model on the same data gives the same report, to the byte.
    for file in evaluation.files:
        assert (folder / file.name).read_bytes() == file.read_bytes(), file.name


def test_missing_model_is_one_line(tmp_path: Path) -> None:
    result = run("src/evaluate.py", "--model_path", tmp_path / "best_model_none")

    assert_one_line_error(result, "best_model_none")


def test_data_set_of_another_shape_is_one_line(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The models of the MNISTs and the synthetic one differ in shape; no data is needed to tell."""
    monkeypatch.setenv("GRADSWEEP_CACHE", str(tmp_path / "empty"))

    with pytest.raises(UserError, match=r"\(8, 8, 1\).*\(28, 28, 1\).*--dataset synthetic$"):
        main(["--model_path", str(checkpoint), "--dataset", "mnist"])
    assert not (tmp_path / "empty").exists()


def test_data_set_with_other_classes_is_refused_though_its_shape_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADSWEEP_CACHE", str(tmp_path / "empty"))
    network = NeuralNetwork(
        RunConfig(dataset="mnist", hidden_size=1), datasets.CATALOGUE["mnist"].spec
    )
    checkpoints.save(tmp_path / "digits", network, EpochMetrics(1, *[0.5] * 10))

    with pytest.raises(UserError, match=r"T-shirt/top, .*--dataset mnist"):
        evaluate_checkpoint(tmp_path / "digits", "fashion_mnist", tmp_path)


def test_a_model_of_reviews_is_refused_pictures_and_other_reviews(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words have other numbers in another data set, though shape and classes are the same."""
    monkeypatch.setenv("GRADSWEEP_CACHE", str(tmp_path / "empty"))
    config = RunConfig(dataset="imdb", sequence_length=7, vocabulary_size=50, hidden_size=1)
    network = NeuralNetwork(config, datasets.CATALOGUE["imdb"].spec_for(config))
    checkpoints.save(tmp_path / "critic", network, EpochMetrics(1, *[0.5] * 10))

    with pytest.raises(UserError, match=r"takes reviews, mnist has pictures; .*--dataset imdb$"):
        evaluate_checkpoint(tmp_path / "critic", "mnist", tmp_path)
    with pytest.raises(UserError, match=r"the words of imdb, synthetic_reviews has others; .*imdb"):
        evaluate_checkpoint(tmp_path / "critic", "synthetic_reviews", tmp_path)
    assert not (tmp_path / "empty").exists()


def test_a_report_on_reviews_shows_their_words(tmp_path: Path) -> None:
    """The surest mistakes of a model that has learnt little, word by word as it has read them."""
    config = RunConfig(
        **{"dataset": "synthetic_reviews", "epochs": 3, "num_layers": 1, "hidden_size": 8},
        **{"sequence_length": 12, "vocabulary_size": 60, "learning_rate": 0.01},
    )
    data = datasets.load_training(config)
    network = build_network(config, data.spec, len(data.train))
    stem = tmp_path / "critic"
    fit(network, data, checkpoint=stem, on_epoch=lambda metrics: None)

    evaluation = evaluate_checkpoint(stem, output_dir=tmp_path)

    table = pd.read_csv(evaluation.folder / "predictions.csv")
    wrong = table[~table["correct"]].sort_values("confidence", ascending=False, kind="stable")
    assert len(wrong)
    first = wrong.iloc[0]
    _, test = datasets.load_test(config)
    (words,) = datasets.decode_reviews(config, test.x[[first["index"]]])
    page = " ".join((evaluation.folder / "report.html").read_text().split())
    assert f"<blockquote>{words}</blockquote>" in page
    assert f"<strong>{first['true']} → {first['predicted']}</strong>" in page
    assert page.count("<blockquote>") == 2 + min(20, len(wrong))
    assert not (evaluation.folder / "sample_predictions.png").exists()
    shown = json.loads((evaluation.folder / "metrics.json").read_text())["config"]
    assert shown["sequence_length"] == 12
    assert not {"filters", "cell", "shift", "lr_step_epochs"} & set(shown)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ["--model_path"]),
        (("--model_path=x", "--datset=mnist"), ["--datset", "--dataset"]),
        (("--model_path=x", "--dataset=cats"), ["cats", "fashion_mnist"]),
    ],
)
def test_bad_flag_is_one_line(arguments: tuple[str, ...], words: list[str]) -> None:
    assert_one_line_error(run("src/evaluate.py", *arguments), *words)


def test_unwritable_output_is_one_line(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(UserError, match=r"^[^\n]*file.*--output_dir$"):
        main(["--model_path", str(checkpoint), "--output_dir", str(tmp_path / "file")])


def test_help_imports_neither_tensorflow_nor_matplotlib() -> None:
    code = (
        "import sys; from src.evaluate import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print({'tensorflow', 'matplotlib', 'pandas', 'sklearn'} & set(sys.modules))"
    )
    result = run("-c", code)

    assert result.stdout.splitlines()[-1] == "set()"
    assert "--model_path" in result.stdout
