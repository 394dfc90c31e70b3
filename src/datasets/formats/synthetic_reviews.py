"""A tiny data set of reviews made in memory, for tests and debugging: word order decides some."""

from collections.abc import Mapping

import numpy as np

from src.datasets.spec import Half, Texts

SIZES: dict[Half, int] = {"train": 1200, "test": 400}

_SEED = 20172
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


def generate(half: Half, files: Mapping[str, bytes] | None = None) -> Texts:
    """Make one half: always the same reviews, as many negative as positive ones, no two alike.

    A review gives one verdict, "the plot is boring", somewhere between neutral sentences. Half of
    the verdicts are such plain ones, which a bag of words can tell. The other half name two
    opposites, "the plot is not boring but superb" or "not superb but boring", the same words in
    another order: only a model that reads in order can tell those.

    Args:
        half: Which half.
        files: Ignored; it is there because data sets read from files take it.

    Returns:
        Texts of 4 to 39 words; class 0 is negative, 1 is positive.
    """
    rng = np.random.default_rng(_SEED)
    labels: dict[str, int] = {}
    total = sum(SIZES.values())
    while len(labels) < total:
        # A review that is there already changes nothing, so the classes keep alternating.
        positive = len(labels) % 2
        labels.setdefault(_review(rng, positive=bool(positive)), positive)
    chosen = slice(SIZES["train"]) if half == "train" else slice(SIZES["train"], total)
    texts, y = [*labels][chosen], np.array([*labels.values()], np.int32)[chosen]
    order = rng.permutation(len(texts))
    return Texts([texts[i] for i in order], y[order])


def _review(rng: np.random.Generator, *, positive: bool) -> str:
    meant, denied = (_PRAISE, _BLAME) if positive else (_BLAME, _PRAISE)
    verdict = f"the {rng.choice(_SUBJECTS)} is "
    if rng.random() < 0.5:
        verdict += f"not {rng.choice(denied)} but "
    fillers = rng.integers(len(_FILLERS) + 1)
    sentences = list(rng.choice(_FILLERS, fillers, replace=False))
    sentences.insert(rng.integers(fillers + 1), verdict + rng.choice(meant))
    return ". ".join(sentences) + "."
