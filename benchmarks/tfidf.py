"""The traditional way to tell good reviews from bad ones: TF-IDF and logistic regression.

`python -m benchmarks.tfidf --seed 0` prints its test accuracy.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from src.config.run_config import RunConfig
from src.datasets import load_texts
from src.shared.command import Parser, run_command

DATASET = "imdb"
SETTINGS: dict[str, Any] = {"ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True}
STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0)  # C, the inverse of the regularisation


def measure(seed: int) -> dict[str, float]:
    """Choose C on the validation part, and test the model that was best there.

    The parts are as large as those of a training run; vocabulary and document frequencies are the
    training part's.

    Returns:
        ``accuracy`` on the test half, ``val_accuracy`` and the chosen ``C``.
    """
    half, test = load_texts(DATASET, "train"), load_texts(DATASET, "test")
    train, validation = train_test_split(
        np.arange(len(half.y)),
        test_size=RunConfig.model_fields["val_fraction"].default,
        stratify=half.y,
        random_state=seed,
    )
    vectorizer = TfidfVectorizer(**SETTINGS)
    x_train = vectorizer.fit_transform([half.texts[i] for i in train])
    x_validation = vectorizer.transform([half.texts[i] for i in validation])
    fitted = {
        c: LogisticRegression(C=c, solver="liblinear", random_state=seed).fit(
            x_train, half.y[train]
        )
        for c in STRENGTHS
    }
    scores = {
        c: float(model.score(x_validation, half.y[validation])) for c, model in fitted.items()
    }
    best = max(scores, key=lambda c: scores[c])
    accuracy = float(fitted[best].score(vectorizer.transform(test.texts), test.y))
    return {"accuracy": accuracy, "val_accuracy": scores[best], "C": best}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = Parser(prog="python -m benchmarks.tfidf", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the split [0]")
    for name, value in measure(parser.parse_args(arguments).seed).items():
        print(f"{name:<14}{value:.4f}")


if __name__ == "__main__":
    run_command(main)
