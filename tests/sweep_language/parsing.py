"""A parameter from its entry, and the keys that each distribution takes."""

from typing import Any

import scipy.special  # noqa: F401  which the first draw of a beta would wait for, beyond a deadline

from src.sweep_language.distributions import Parameter
from src.sweep_language.grammar import parse_sweep


def parameter(entry: Any, method: str = "random") -> Parameter:
    """The parameter that a YAML entry describes."""
    return parse_sweep({"method": method, "parameters": {"x": entry}}).parameters["x",]


KEYS = {
    **dict.fromkeys(["int_uniform", "uniform", "log_uniform", "inv_log_uniform"], ("min", "max")),
    **dict.fromkeys(["log_uniform_values", "inv_log_uniform_values"], ("min", "max")),
    **dict.fromkeys(
        ["q_uniform", "q_log_uniform", "q_log_uniform_values"],
        ("min", "max", "q"),
    ),
    **dict.fromkeys(["normal", "log_normal"], ("mu", "sigma")),
    **dict.fromkeys(["q_normal", "q_log_normal"], ("mu", "sigma", "q")),
    "beta": ("a", "b"),
    "q_beta": ("a", "b", "q"),
}


DISTRIBUTIONS = list(KEYS)
