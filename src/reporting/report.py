"""The report of one model on one test set: a folder with pictures, tables and an HTML page."""

import base64
import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.reporting.figures import (
    confusion_matrix_figure,
    per_class_accuracy_figure,
    sample_predictions_figure,
)
from src.reporting.tables import most_confused

EXCERPT_WORDS = 60  # of a review, that are shown


@dataclass(frozen=True)
class Results:
    """What a model did on a test set of n examples.

    Attributes:
        model: Name of the model, the stem of its files.
        dataset: Name of the data set.
        config: The hyperparameters worth showing.
        validation: The metrics of the epoch that the model was saved at.
        metrics: Name to value over the whole test set: ``accuracy``, ``loss``...
        classes: :func:`src.reporting.tables.classification_table`.
        confusion: :func:`src.reporting.tables.confusion_table`.
        predictions: :func:`src.reporting.tables.predictions_table`, n rows.
        samples: Those of its rows that are shown one by one.
        images: Of the samples, ``(samples, height, width, channels)``; None for reviews.
        reviews: Of the samples, as text; empty for pictures.
    """

    model: str
    dataset: str
    config: Mapping[str, Any]
    validation: Mapping[str, float]
    metrics: Mapping[str, float]
    classes: pd.DataFrame
    confusion: pd.DataFrame
    predictions: pd.DataFrame
    samples: pd.DataFrame
    images: NDArray[np.uint8] | None = None
    reviews: Sequence[str] = ()


def write_report(results: Results, folder: Path) -> tuple[Path, ...]:
    """Write the report to ``folder``; an earlier one there is replaced only once this is complete.

    Returns:
        The files written: ``report.html`` first.

    Raises:
        OSError: If the folder cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as work:
        fresh = Path(work, "new")
        fresh.mkdir()
        names = _write_files(results, fresh)
        with suppress(FileNotFoundError):
            folder.rename(Path(work, "old"))
        fresh.rename(folder)
    return tuple(folder / name for name in names)


def _write_files(results: Results, folder: Path) -> list[str]:
    pictures = {}
    for name, figure in _figures(results).items():
        figure.savefig(folder / name, metadata={"Software": "Gradsweep"})
        pictures[name] = (folder / name).read_bytes()
    (folder / "report.html").write_text(_render(results, pictures), encoding="utf-8")
    summary = {
        "model": results.model,
        "dataset": results.dataset,
        "examples": len(results.predictions),
        **results.metrics,
        "per_class": results.classes.to_dict("index"),
        "config": dict(results.config),
    }
    (folder / "metrics.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    results.predictions.to_csv(folder / "predictions.csv", index=False, float_format="%.6f")
    return ["report.html", "metrics.json", "predictions.csv", *pictures]


def _figures(results: Results) -> dict[str, Figure]:
    """The report's figures by file name, in the order of the page."""
    where = f"{results.dataset} test set"
    figures = {
        "confusion_matrix_normalised.png": confusion_matrix_figure(
            results.confusion, normalised=True, title=f"Confusion matrix, {where}"
        ),
        "confusion_matrix.png": confusion_matrix_figure(
            results.confusion, normalised=False, title=f"Confusion matrix, {where}"
        ),
        "per_class_accuracy.png": per_class_accuracy_figure(
            results.confusion, title=f"Accuracy by class, {where}"
        ),
    }
    if results.images is not None:
        figures["sample_predictions.png"] = sample_predictions_figure(
            results.images, results.samples, title=f"Sample predictions, {where}"
        )
    return figures


def _render(results: Results, pictures: Mapping[str, bytes]) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja").render(
        results=results,
        reviews=[
            (sample, _excerpt(review))
            for sample, review in zip(results.samples.itertuples(), results.reviews, strict=False)
        ],
        confused=most_confused(results.confusion).to_dict("records"),
        pictures={
            name.removesuffix(".png"): "data:image/png;base64," + base64.b64encode(png).decode()
            for name, png in pictures.items()
        },
    )


def _excerpt(review: str) -> str:
    words = review.split()
    return " ".join(words[:EXCERPT_WORDS]) + (" …" if len(words) > EXCERPT_WORDS else "")
