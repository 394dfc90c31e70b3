"""From a data set's name to arrays."""

import math
from pathlib import Path

from src.datasets.catalogue import CATALOGUE, DataSet, Pictures, Reviews
from src.datasets.fetching.cache import cache_folder, raw_files
from src.datasets.fetching.encoded import encoded_reviews
from src.datasets.formats.words import decode
from src.datasets.spec import Examples, Half, InputSpec, Run, Split, Texts, TrainingData
from src.shared.errors import UserError


def fetch(name: str) -> Path:
    """Make sure that the raw files of a data set are in the cache and whole.

    Returns:
        Their folder. A data set that is made in memory has no files and no folder is made.

    Raises:
        UserError: For an unknown name, if no source has the files, or if the cache is unusable.
    """
    dataset = CATALOGUE.find(name)
    raw_files(dataset)
    return cache_folder(dataset)


def load_training(config: Run) -> TrainingData:
    """The training half, split at random into a part to train on and a part to validate with.

    The parts hold the classes in the same proportions. The test half has no part in it.

    Args:
        config: Names the data set and, for reviews, how they are encoded; ``val_fraction`` is the
            share of the training half that becomes the validation part, rounded up; the same
            ``seed`` gives the same split.

    Raises:
        UserError: As :func:`fetch`, or if either part would be too small to hold every class.
    """
    dataset = CATALOGUE.find(config.dataset)
    half = _load_half(dataset, "train", config)
    val_fraction = config.val_fraction
    validation_size = math.ceil(val_fraction * len(half)) if 0 < val_fraction < 1 else 0
    if min(validation_size, len(half) - validation_size) < dataset.spec.num_classes:
        raise UserError(
            f"val_fraction {val_fraction} is too near 0 or 1: training and validation each need at"
            f" least one of the {len(half)} examples of {dataset.name} for each of its"
            f" {dataset.spec.num_classes} classes"
        )
    # Here because scikit-learn takes a second to import.
    from sklearn.model_selection import train_test_split

    train, validation = train_test_split(
        range(len(half)), test_size=validation_size, stratify=half.y, random_state=config.seed
    )
    return TrainingData(
        name=dataset.name,
        spec=dataset.spec_for(config),
        train=Split(half.x[train], half.y[train]),
        validation=Split(half.x[validation], half.y[validation]),
    )


def load_test(config: Run) -> tuple[InputSpec, Split]:
    """The test half, for the evaluation of a finished model only.

    Args:
        config: Names the data set and, for reviews, how they are encoded.

    Raises:
        UserError: As :func:`fetch`.
    """
    dataset = CATALOGUE.find(config.dataset)
    return dataset.spec_for(config), _load_half(dataset, "test", config)


def load_texts(name: str, half: Half) -> Texts:
    """The reviews of one half as they were written, with their labels.

    Raises:
        UserError: As :func:`fetch`, or if the data set holds pictures.
    """
    dataset = _reviews(name)
    return dataset.decode(half, raw_files(dataset))


def decode_reviews(config: Run, x: Examples) -> list[str]:
    """The words of encoded reviews, one text a row; an unknown word is ``[?]``.

    Args:
        config: Names the data set that the rows of ``x`` are from.
        x: Of shape ``(n, sequence_length)``, as :func:`load_training` and :func:`load_test` give
            it.

    Raises:
        UserError: As :func:`load_texts`.
    """
    return decode(x, encoded_reviews(_reviews(config.dataset)).vocabulary)


def _reviews(name: str) -> Reviews:
    dataset = CATALOGUE.find(name)
    if not isinstance(dataset, Reviews):
        known = ", ".join(key for key, entry in CATALOGUE.items() if isinstance(entry, Reviews))
        raise UserError(f"{name} holds no reviews; choose one of {known}")
    return dataset


def _load_half(dataset: DataSet, half: Half, config: Run) -> Split:
    if isinstance(dataset, Reviews):
        encoded = encoded_reviews(dataset)
        corpus = encoded.train if half == "train" else encoded.test
        return Split(corpus.rows(config.vocabulary_size, config.sequence_length), corpus.y)
    assert isinstance(dataset, Pictures)
    return dataset.decode(half, raw_files(dataset))
