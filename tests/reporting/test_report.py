import dataclasses
import html
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from src.reporting.report import EXCERPT_WORDS, Results, write_report
from src.reporting.tables import (
    choose_samples,
    classification_table,
    confusion_table,
    predictions_table,
)
from src.shared.paths import ROOT

FILES = {
    "report.html",
    "metrics.json",
    "predictions.csv",
    "confusion_matrix.png",
    "confusion_matrix_normalised.png",
    "per_class_accuracy.png",
    "sample_predictions.png",
}


def make_results(names: tuple[str, ...] = ("cat", "dog", "eel"), accuracy: float = 0.75) -> Results:
    y_true = np.array([0, 1, 2, 1])
    probabilities = np.eye(3)[[0, 1, 2, 0]] * 0.7 + 0.1
    predicted = probabilities.argmax(axis=1)
    return Results(
        model="best_model_abc",
        dataset="pets",
        config={"loss": "mse", "learning_rate": 0.25},
        validation={"epoch": 3, "val_accuracy": 0.875},
        metrics={
            "accuracy": accuracy,
            "loss": 0.5,
            "macro_precision": 0.8,
            "macro_recall": 0.8,
            "macro_f1": 0.8,
        },
        classes=classification_table(y_true, predicted, names),
        confusion=confusion_table(y_true, predicted, names),
        predictions=(predictions := predictions_table(y_true, probabilities, names)),
        samples=choose_samples(predictions),
        images=np.zeros((4, 8, 8, 1), np.uint8),
    )


def test_report_holds_every_file_and_its_pictures_are_large_valid_pngs(tmp_path: Path) -> None:
    files = write_report(make_results(), tmp_path / "plots" / "report")

    assert {file.name for file in files} == FILES
    assert {file.name for file in (tmp_path / "plots" / "report").iterdir()} == FILES
    assert [entry.name for entry in (tmp_path / "plots").iterdir()] == ["report"]
    for file in files:
        if file.suffix == ".png":
            with Image.open(file) as image:
                image.verify()
                assert image.format == "PNG"
                assert image.mode in ("RGB", "RGBA")
                assert min(image.size) >= 400


def test_json_and_csv_hold_what_the_results_hold(tmp_path: Path) -> None:
    write_report(make_results(), tmp_path / "report")

    summary = json.loads((tmp_path / "report" / "metrics.json").read_text())
    table = pd.read_csv(tmp_path / "report" / "predictions.csv")
    assert summary["accuracy"] == 0.75
    assert summary["examples"] == 4
    assert summary["config"] == {"loss": "mse", "learning_rate": 0.25}
    assert summary["per_class"]["dog"] == {
        "precision": 1.0,
        "recall": 0.5,
        "f1": pytest.approx(2 / 3),
        "support": 2,
    }
    assert table["predicted"].tolist() == ["cat", "dog", "eel", "cat"]
    assert table["confidence"].tolist() == pytest.approx([0.8] * 4)
    assert table["correct"].tolist() == [True, True, True, False]


def test_page_refers_to_nothing_outside_itself_and_says_what_is_confused(tmp_path: Path) -> None:
    page = write_report(make_results(), tmp_path / "report")[0].read_text()

    sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert len(sources) == 4
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    words = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert "50.0% of class dog is taken for cat (1 of 2)." in words
    assert "Saved at epoch 3, val_accuracy 0.8750." in words
    assert "learning_rate0.25" in words.replace(" ", "")


def test_page_escapes_names(tmp_path: Path) -> None:
    hostile = make_results(("<script>alert(1)</script>", "dog", "eel"))
    page = write_report(hostile, tmp_path / "report")[0].read_text()

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_colour_pictures_are_drawn(tmp_path: Path) -> None:
    results = dataclasses.replace(make_results(), images=np.full((4, 8, 8, 3), 200, np.uint8))

    assert {file.name for file in write_report(results, tmp_path / "report")} == FILES


def test_reviews_are_shown_as_text_that_cannot_be_markup(tmp_path: Path) -> None:
    """Mistakes after right answers, each with its classes and how sure the model was."""
    reviews = ("fine <b>film</b> &amp;", "good " * 500, "bad", "'><script>alert(1)</script>")
    results = dataclasses.replace(make_results(), images=None, reviews=reviews)
    files = write_report(results, tmp_path / "report")
    page = files[0].read_text()

    assert {file.name for file in files} == FILES - {"sample_predictions.png"}
    assert "<script" not in page
    assert "<b>" not in page
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())
    shown = [
        "cat 80.0% example 0 fine <b>film</b> &amp;",
        f"dog 80.0% example 1 {'good ' * EXCERPT_WORDS}…",
        "eel 80.0% example 2 bad",
        "dog → cat 80.0% example 3 '><script>alert(1)</script>",
    ]
    places = [text.index(sample) for sample in shown]
    assert places == sorted(places)


def test_perfect_model_is_reported_without_confusions(tmp_path: Path) -> None:
    results = make_results()
    y = np.array([0, 1, 2, 1])
    names = tuple(results.confusion.index)
    perfect = dataclasses.replace(
        results,
        confusion=confusion_table(y, y, names),
        predictions=predictions_table(y, np.eye(3)[y], names),
        samples=choose_samples(predictions_table(y, np.eye(3)[y], names)),
    )
    page = write_report(perfect, tmp_path / "report")[0].read_text()

    assert "every test example is classified right" in page


def test_writing_again_replaces_the_whole_folder(tmp_path: Path) -> None:
    write_report(make_results(), tmp_path / "report")
    (tmp_path / "report" / "stale.txt").write_text("from an earlier version")

    write_report(make_results(accuracy=0.5), tmp_path / "report")

    assert {file.name for file in (tmp_path / "report").iterdir()} == FILES
    assert json.loads((tmp_path / "report" / "metrics.json").read_text())["accuracy"] == 0.5


def test_failure_while_writing_leaves_the_earlier_report_and_no_rubbish(tmp_path: Path) -> None:
    write_report(make_results(), tmp_path / "report")
    broken = dataclasses.replace(make_results(accuracy=0.5), config={"loss": object()})

    with pytest.raises(TypeError):
        write_report(broken, tmp_path / "report")

    assert [entry.name for entry in tmp_path.iterdir()] == ["report"]
    assert json.loads((tmp_path / "report" / "metrics.json").read_text())["accuracy"] == 0.75


WRITE_FOREVER = """
import sys
from pathlib import Path
from src.reporting.report import write_report
from tests.reporting.test_report import make_results
while True:
    write_report(make_results(), Path(sys.argv[1]))
"""


def test_kill_in_the_middle_of_writing_never_leaves_half_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    process = subprocess.Popen([sys.executable, "-c", WRITE_FOREVER, str(folder)], cwd=ROOT)
    try:
        # A second report is under way once the first is there and a picture of the next one is.
        deadline = time.monotonic() + 120
        while not (folder.exists() and list(tmp_path.glob(".report.*/new/*.png"))):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()

    assert {file.name for file in folder.iterdir()} == FILES
    assert json.loads((folder / "metrics.json").read_text())["accuracy"] == 0.75
