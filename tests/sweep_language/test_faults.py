"""The one line that a wrong sweep configuration gets."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.sweep_language.grammar import parse_sweep
from tests.sweep_language.parsing import DISTRIBUTIONS, parameter

VALID: dict[str, Any] = {
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": {"x": {"value": 1}},
}


@pytest.mark.parametrize(
    ("change", "fault", "cure"),
    [
        ({"method": "baies"}, "method: 'baies'", "bayes or random or grid"),
        ({"method": None}, "method: None", "bayes or random or grid"),
        ({"metod": "grid"}, "unknown key 'metod'", "did you mean 'method'?"),
        ({"metric": None, "method": "bayes"}, "metric: missing, and method: bayes", "a name"),
        (
            {"metric": None, "early_terminate": {"type": "hyperband", "min_iter": 1}},
            "metric: missing, and early_terminate",
            "a name",
        ),
        ({"metric": "loss"}, "metric: 'loss' is not a mapping", "keys and values"),
        ({"metric": {"goal": "minimize"}}, "metric.name: missing", "give the name"),
        ({"metric": {"name": "a", "goal": "maximise"}}, "metric.goal: 'maximise'", "maximize"),
        ({"metric": {"name": "a", "target": "high"}}, "metric.target: 'high'", "number"),
        ({"metric": {"name": "a", "impute": "best"}}, "metric.impute: 'best'", "worst"),
        ({"scheduler": "optuna"}, "scheduler: 'optuna' is not a mapping", "keys and values"),
        ({"scheduler": {"engine": "opt"}}, "scheduler.engine: 'opt'", "wandb or optuna or ax"),
        ({"scheduler": {"engine": "ax"}}, "method: 'random' is not possible", "custom"),
        ({"method": "custom"}, "method: 'custom' is not possible", "bayes or random or grid"),
        (
            {"method": "custom", "scheduler": {"engine": "ax"}, "metric": None},
            "metric: missing, and method: custom",
            "a name",
        ),
        (
            {"scheduler": {"engine": "wandb", "search_space": "f"}},
            "scheduler.search_space: names a function",
            "source",
        ),
        (
            {
                "scheduler": {"engine": "wandb"},
                "early_terminate": {"type": "hyperband", "min_iter": 1},
            },
            "early_terminate: is up to the scheduler's engine",
            "leave it out",
        ),
        ({"run_cap": 0}, "run_cap: 0", ">= 1"),
        ({"run_cap": True}, "run_cap: True", ">= 1"),
        ({"seed": -1}, "seed: -1", ">= 0"),
        ({"seed": 10**400}, "seed: 1000", "whole number"),
        ({"run_cap": 10**400}, "run_cap: 1000", "whole number"),
        (
            {"early_terminate": {"type": "hyperband", "min_iter": 10**400}},
            "early_terminate.min_iter: 1000",
            "whole number",
        ),
        (
            {"early_terminate": {"type": "hyperband", "max_iter": 10**400, "s": 2}},
            "early_terminate.max_iter: 1000",
            "whole number",
        ),
        ({"early_terminate": {"min_iter": 1}}, "early_terminate.type: missing", "hyperband"),
        ({"early_terminate": {"type": "hyperband"}}, "early_terminate", "min_iter, or max_iter"),
        (
            {"early_terminate": {"type": "hyperband", "max_iter": 9}},
            "early_terminate",
            "max_iter and s",
        ),
        (
            {"early_terminate": {"type": "hyperband", "max_iter": 2, "s": 2}},
            "early_terminate.max_iter",
            "raise max_iter",
        ),
        (
            {"early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 1}},
            "early_terminate.eta: 1",
            "3 is usual",
        ),
        (
            {"early_terminate": {"type": "hyperband", "min_iter": 1, "strict": "yes"}},
            "early_terminate.strict: 'yes'",
            "true or false",
        ),
        ({"parameters": {}}, "parameters: missing or empty", "name at least one"),
        ({"parameters": {"x": 3}}, "parameters.x: 3 is not a mapping", "{value: 3}"),
        ({"parameters": {"a b": {"value": 1}}}, "'a b' is not a name", "letters"),
        (
            {"parameters": {"g": {"parameters": {}}}},
            "parameters.g.parameters: missing or empty",
            "at least",
        ),
        (
            {"parameters": {"g": {"parameters": {"x": {"value": 1}}, "min": 2}}},
            "parameters.g: unknown key 'min'",
            "allowed are parameters",
        ),
        (
            {"parameters": {"g": {"parameters": {"x": {"vlaue": 1}}}}},
            "parameters.g.parameters.x: unknown key 'vlaue'",
            "did you mean 'value'",
        ),
    ],
)
def test_faults_of_a_sweep_are_named_with_their_cure(
    change: dict[str, Any], fault: str, cure: str
) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as error:
        parse_sweep({**VALID, **change})
    assert fault in str(error.value)
    assert cure in str(error.value)


@pytest.mark.parametrize(
    ("entry", "fault", "cure"),
    [
        ({"min": 1}, "says nothing to search", "min and max"),
        ({"distribution": "uniformly"}, "'uniformly' is unknown", "did you mean 'uniform'?"),
        ({"distribution": "constant"}, "x.value: missing", "constant needs it"),
        ({"distribution": "uniform", "min": 1}, "x.max: missing", "uniform needs it"),
        ({"min": 5, "max": 5}, "x.min: 5 is not below max 5", "use value"),
        ({"min": 5.0, "max": 1.0}, "x.min: 5.0 is not below max 1.0", "use value"),
        ({"min": "1e-3", "max": 1.0}, "x.min: '1e-3'", "write 0.001 or 1.0e-3"),
        ({"min": math.nan, "max": 1.0}, "x.min: nan", "finite"),
        ({"min": False, "max": True}, "x.min: False", "finite"),
        ({"min": 0, "max": 10**400}, "x.max: 1000", "finite"),
        ({"distribution": "q_uniform", "min": 0, "max": 1, "q": 10**400}, "x.q: 1000", "finite"),
        ({"min": 1, "max": 5, "q": 2}, "unknown key 'q'", "allowed are"),
        (
            {"distribution": "int_uniform", "min": 1.0, "max": 5},
            "x.min: int_uniform needs whole",
            "use uniform",
        ),
        (
            {"distribution": "log_uniform_values", "min": 0, "max": 1},
            "x.min: 0 is not above 0",
            "logarithm",
        ),
        (
            {"distribution": "log_uniform", "min": 1, "max": 5000},
            "x.max: too large; it is an exponent",
            "log_uniform_values",
        ),
        (
            {"distribution": "log_normal", "sigma": 500},
            "x.sigma: too large; it is an exponent",
            "log_uniform_values",
        ),
        (
            {"distribution": "inv_log_uniform", "min": -5000, "max": 1},
            "x.min: too large; it is an exponent",
            "log_uniform_values",
        ),
        (
            {"distribution": "q_uniform", "min": 0, "max": 1e300, "q": 1e-10},
            "x.q: 1e-10 is too small",
            "so wide a range",
        ),
        ({"distribution": "normal", "sigma": 0}, "x.sigma: 0 is not above 0", "use value"),
        ({"distribution": "beta", "a": -1}, "x.a: -1 is not between", "0.001"),
        (
            {"distribution": "q_uniform", "min": 1, "max": 2, "q": 0},
            "x.q: 0 is not above 0",
            "step",
        ),
        (
            {"distribution": "q_uniform", "min": 1, "max": 2, "q": 5},
            "x.q: no multiple of 5",
            "lower q",
        ),
        ({"values": []}, "x.values: []", "at least one value"),
        ({"values": "adam"}, "x.values: 'adam' is not a list", "at least one value"),
        ({"values": [1, 2], "probabilities": [1]}, "x.probabilities", "one number >= 0 for each"),
        ({"values": [1, 2], "probabilities": [0, 0]}, "x.probabilities", "one number >= 0"),
        (
            {"distribution": "categorical_w_probabilities", "values": [1]},
            "x.probabilities: missing",
            "categorical_w_probabilities needs it",
        ),
    ],
)
def test_faults_of_a_parameter_are_named_with_their_cure(
    entry: dict[str, Any], fault: str, cure: str
) -> None:
    with pytest.raises(ValueError, match=r"^parameters\.x[^\n]+$") as error:
        parameter(entry)
    assert fault in str(error.value)
    assert cure in str(error.value)


@pytest.mark.parametrize(
    "entry",
    [
        {"min": 0.0, "max": 1.0},
        {"distribution": "log_uniform_values", "min": 1, "max": 9},
        {"distribution": "q_log_uniform_values", "min": 1, "max": 9},
        {"distribution": "q_normal"},
        {"values": [1, 2], "probabilities": [0.5, 0.5]},
    ],
)
def test_grid_refuses_what_it_cannot_enumerate(entry: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"parameters\.x: .* method: grid; use values"):
        parameter(entry, method="grid")


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.just(10**400)
    | st.sampled_from([*DISTRIBUTIONS, "hyperband", "grid", "bayes", "1e-3"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "distribution",
                    "value",
                    "values",
                    "probabilities",
                    "min",
                    "max",
                    "q",
                    "mu",
                    "sigma",
                    "a",
                    "b",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {"method": st.sampled_from(["bayes", "grid", "random"]) | anything},
        optional={
            "metric": st.fixed_dictionaries({"name": st.just("a")}) | anything,
            "parameters": st.dictionaries(st.sampled_from("xy"), anything),
            "early_terminate": st.fixed_dictionaries(
                {"type": st.just("hyperband"), "min_iter": anything, "eta": anything}
            ),
            "seed": anything,
            "conditions": st.dictionaries(st.sampled_from(["x", "y", "a\nb"]), anything),
            "run_cap": anything,
        },
    )
)
def test_whatever_is_wrong_is_one_line(config: dict[str, Any]) -> None:
    message = ""
    try:
        parse_sweep(config)
    except ValueError as error:
        message = str(error)
    assert "\n" not in message
