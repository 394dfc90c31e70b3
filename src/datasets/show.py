"""Show what is in a data set: tables on the terminal, figures in a folder."""

import hashlib
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.datasets import statistics
from src.datasets.catalogue import DataSet, Pictures, Reviews
from src.datasets.fetching.cache import raw_files
from src.datasets.fetching.encoded import encoded_reviews
from src.datasets.formats.words import FIRST_WORD, Corpus
from src.datasets.spec import Half, Split, Texts
from src.reporting.dataset_figures import GRID_COLUMNS, class_samples_figure, review_lengths_figure
from src.shared.errors import UserError

_HALVES: tuple[Half, Half] = ("train", "test")
_LENGTHS = (50, 100, 200, 400, 800)
_VOCABULARIES = (1_000, 5_000, 10_000, 20_000, 50_000)
_SAMPLES = 2  # reviews of each class


def show(dataset: DataSet, folder: Path) -> None:
    """Print tables about ``dataset`` and draw its figure into ``folder``.

    Raises:
        UserError: If the data cannot be had or the figure cannot be written.
    """
    if isinstance(dataset, Reviews):
        figure = _show_reviews(dataset)
    else:
        assert isinstance(dataset, Pictures)
        figure = _show_pictures(dataset)
    kind = "lengths" if isinstance(dataset, Reviews) else "samples"
    path = folder / f"{dataset.name}_{kind}.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Software": "Gradsweep"})
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror}; choose another --output_dir"
        ) from None
    print(f"\nFigure: {path}")


def _show_pictures(dataset: Pictures) -> Figure:
    files = raw_files(dataset)
    halves: dict[Half, Split] = {half: dataset.decode(half, files) for half in _HALVES}
    x = {half: split.x.astype(np.uint8, copy=False) for half, split in halves.items()}
    y = {half: split.y for half, split in halves.items()}
    _print_title(dataset)
    for half in _HALVES:
        print(f"{half:<6}{x[half].shape} {x[half].dtype}, {x[half].nbytes / 1e6:,.1f} MB")
    _print("Classes", statistics.class_table(y, dataset.spec.class_names))
    _print("Pixels (mean and std on the 0..1 scale)", statistics.pixel_table(x), "{:.4f}")
    digests = {half: [hashlib.sha256(image).digest() for image in x[half]] for half in _HALVES}
    _print("Exact duplicates", statistics.duplicate_table(digests, y))
    chosen = _choose(y["train"], GRID_COLUMNS)
    return class_samples_figure(
        x["train"][chosen],
        y["train"][chosen],
        dataset.spec.class_names,
        title=f"{dataset.title}, training half",
    )


def _show_reviews(dataset: Reviews) -> Figure:
    encoded = encoded_reviews(dataset)
    corpora: dict[Half, Corpus] = {"train": encoded.train, "test": encoded.test}
    files = raw_files(dataset)
    halves: dict[Half, Texts] = {half: dataset.decode(half, files) for half in _HALVES}
    texts = {half: reviews.texts for half, reviews in halves.items()}
    y = {half: reviews.y for half, reviews in halves.items()}
    (sequence_length,) = dataset.spec.shape
    _print_title(dataset)
    for half, corpus in corpora.items():
        shape = (len(corpus.y), sequence_length)
        print(f"{half:<6}{len(corpus.words):,} words; as a run reads it {shape} int32")
    _print("Classes", statistics.class_table(y, dataset.spec.class_names))
    _print("Words in a review", statistics.length_table(corpora))
    _print("Reviews longer than", statistics.truncation_table(corpora, _LENGTHS))
    whole = len(encoded.vocabulary) + FIRST_WORD
    sizes = [*(size for size in _VOCABULARIES if size < whole), whole]
    _print("Running words in the vocabulary", statistics.coverage_table(corpora, sizes))
    _print("Exact duplicates", statistics.duplicate_table(texts, y))
    _print_samples(halves["train"], dataset.spec.class_names)
    classes = pd.Categorical.from_codes(y["train"], pd.Index(dataset.spec.class_names))
    return review_lengths_figure(
        pd.DataFrame({"words": encoded.train.lengths, "class": classes}),
        sequence_length=sequence_length,
        title=f"{dataset.title}, training half",
    )


def _choose(y: NDArray[np.int32], per_class: int) -> NDArray[np.intp]:
    """The places of as many random examples of each class, the same ones every time."""
    order = np.random.default_rng(0).permutation(len(y))
    return np.concatenate([order[y[order] == label][:per_class] for label in np.unique(y)])


def _print_title(dataset: DataSet) -> None:
    print(f"{dataset.title}: {dataset.licence}")


def _print(heading: str, table: pd.DataFrame, share: str = "{:.1%}") -> None:
    """Print a table, its fractions formatted as ``share``."""
    formats = {
        str(name): "{:,}".format if values.dtype.kind == "i" else share.format
        for name, values in table.items()
    }
    print(f"\n{heading}\n{table.to_string(formatters=formats)}")


def _print_samples(reviews: Texts, class_names: tuple[str, ...]) -> None:
    for i in _choose(reviews.y, _SAMPLES):
        text = textwrap.shorten(reviews.texts[i].replace("<br />", " "), 300, placeholder=" ...")
        print(f"\nA {class_names[reviews.y[i]]} one, number {i} of the training half")
        print(textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  "))
