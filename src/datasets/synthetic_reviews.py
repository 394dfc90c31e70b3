"""A tiny data set of reviews made in memory, for tests and debugging: word order decides some."""

from collections.abc import Mapping

import numpy as np

from src.datasets.spec import Half, Texts

SIZES: dict[Half, int] = {"train": 1200, "test": 400}

_SEEDS: dict[Half, int] = {"train": 20172, "test": 20173}
_PRAISE = ("brilliant", "gripping", "lovely", "superb", "touching")
_BLAME = ("awful", "boring", "clumsy", "dreadful", "tedious")
_SUBJECTS = ("acting", "camera", "ending", "music", "plot", "script", "story", "whole thing")
_FILLERS = (
    "I saw it with a friend",
    "it is about two brothers",
    "it plays in Lisbon",
    "it was made long ago",
    "the room was full",
    "we had seats in the third row",
)
_MAX_FILLERS = 5


def generate(half: Half, files: Mapping[str, bytes] | None = None) -> Texts:
    """Make one half: always the same reviews, as many negative as positive ones.

    A review gives one verdict, "the plot is boring", somewhere between neutral sentences. Half of
    the verdicts are such plain ones, which a bag of words can tell. The other half name two
    opposites, "the plot is not boring but superb" or "not superb but boring", the same words in
    another order: only a model that reads in order can tell those.

    Args:
        half: which half.
        files: ignored; it is there because data sets read from files take it.

    Returns:
        Texts of 4 to 40 words; class 0 is negative, 1 is positive.
    """
    rng = np.random.default_rng(_SEEDS[half])
    y = rng.permutation(np.arange(SIZES[half]) % 2).astype(np.int32)
    return Texts([_review(rng, positive=bool(label)) for label in y], y)


def _review(rng: np.random.Generator, *, positive: bool) -> str:
    meant, denied = (_PRAISE, _BLAME) if positive else (_BLAME, _PRAISE)
    verdict = f"the {rng.choice(_SUBJECTS)} is "
    if rng.random() < 0.5:
        verdict += f"not {rng.choice(denied)} but "
    sentences = list(rng.choice(_FILLERS, rng.integers(0, _MAX_FILLERS + 1)))
    sentences.insert(rng.integers(0, len(sentences) + 1), verdict + rng.choice(meant))
    return ". ".join(sentences) + "."
