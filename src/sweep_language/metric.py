"""The ``metric`` of a sweep: what it is about, and which way is better."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from src.sweep_language.errors import SweepFault
from src.sweep_language.reading import check_mapping, number, one_of

_KEYS = ("name", "goal", "target", "impute", "impute_while_running")


class Goal(StrEnum):
    """Whether small or large values are good."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"

    @property
    def sign(self) -> int:
        """What a value is multiplied by to make it a loss, of which less is better."""
        return 1 if self is Goal.MINIMIZE else -1


def _named(*words: str) -> re.Pattern[str]:
    """Finds whole words in a name of words in lower case with ``_`` between, or numbers behind."""
    return re.compile(rf"(?:^|_)(?:{'|'.join(words)})\d*(?:_|$)")


_USUAL_GOALS = {
    Goal.MAXIMIZE: _named(
        "acc|accuracy|correct|precision|recall|sensitivity|specificity|ap|map|auc|auprc|auroc|f1",
        "f_?score|score|kappa|mcc|r2|m?io_?u|dice|jaccard|mrr|ndcg|bleu|rouge|psnr|ssim",
        "rewards?|returns?|fps|throughput|per_sec|per_second",
    ),
    Goal.MINIMIZE: _named(
        "loss|losses|err|errors?|misclassified|regret|cross_?entropy|ce|bce|nll",
        "perplexity|ppl|bpc|bpd|deviance|brier|ece|mse|msle|rmse|rmsle|mae|mape|smape|wer|cer|fid",
        "time|seconds|duration|latency|runtime",
    ),
}
# Names not of a result, but of how much it counts, or when there was one.
_NO_RESULT = _named(
    "coef|coefficient|count|factor|index|norm|num|scale|weight|time_?steps?",
    r"best_\w+_(?:epoch|step)",
)
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*")


def usual_goal(name: str) -> Goal | None:
    """Which way is better for a metric, as far as the words of its name tell."""
    words = "_".join(_WORD.findall(name)).lower()
    told = [goal for goal, named in _USUAL_GOALS.items() if named.search(words)]
    return told[0] if len(told) == 1 and not _NO_RESULT.search(words) else None


@dataclass(frozen=True)
class Metric:
    """What a sweep is about.

    Attributes:
        name: As the training script logs it; None if the sweep is about nothing.
        goal: Which way is better.
        target: The value at which the sweep ends, if there is one.
    """

    name: str | None = None
    goal: Goal = Goal.MINIMIZE
    target: float | None = None


def parse_metric(config: Any) -> Metric:
    """Read ``metric: {name: ..., goal: ..., target: ...}``.

    Raises:
        SweepFault: If it is no such mapping, or says what the search does not do.
    """
    if config is None:
        return Metric()
    path = ("metric",)
    check_mapping(config, path, _KEYS)
    name = config.get("name")
    if not isinstance(name, str) or not name:
        raise SweepFault((*path, "name"), "missing; give the name that the training script logs")
    config = {"goal": "minimize", "impute": "worst", "impute_while_running": "false", **config}
    goal = Goal(one_of(config, "goal", list(Goal), path))
    # Only W&B's defaults of these: a failed run counts as worst, a running one has no value yet.
    one_of(config, "impute", ("worst",), path)
    one_of(config, "impute_while_running", ("false", False), path)
    target = number(config, "target", path) if "target" in config else None
    return Metric(name, goal, target)
