"""Every W&B distribution, from its YAML to its values and back."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.sweep_language.distributions import Numeric
from tests.sweep_language.parsing import parameter


def at(entry: dict[str, Any], *quantiles: float) -> list[Any]:
    """The values at these quantiles of the distribution."""
    one = parameter(entry)
    return [one.value(one.draw(u)) for u in quantiles]


@pytest.mark.parametrize(
    ("entry", "quantiles", "expected"),
    [
        ({"distribution": "constant", "value": [1, 2]}, [0, 1], [[1, 2], [1, 2]]),
        ({"value": None}, [0.5], [None]),
        ({"values": ["a", None, True, 0.5]}, [0, 0.3, 0.6, 1], ["a", None, True, 0.5]),
        ({"distribution": "categorical", "values": [[64, 128], [64]]}, [0, 0.9], [[64, 128], [64]]),
        ({"values": [1, 2], "probabilities": [0.9, 0.1]}, [0.89, 0.91], [1, 2]),
        (
            {
                "distribution": "categorical_w_probabilities",
                "values": [1, 2],
                "probabilities": [1, 3],
            },
            [0.2, 0.3],
            [1, 2],
        ),
        ({"values": [0, 0, 1]}, [0.6, 0.7], [0, 1]),  # given twice: twice as likely
        ({"values": [1, 2, 3], "probabilities": [1, 0, 1]}, [0.49, 0.51], [1, 3]),
        ({"min": 1, "max": 4}, [0, 0.24, 0.26, 1], [1, 1, 2, 4]),
        ({"distribution": "int_uniform", "min": -1, "max": 1}, [0, 0.5, 1], [-1, 0, 1]),
        ({"min": 0.0, "max": 2}, [0, 0.25, 1], [0.0, 0.5, 2]),
        ({"distribution": "uniform", "min": 0, "max": 2}, [0.25], [0.5]),
        ({"distribution": "q_uniform", "min": 0, "max": 8, "q": 4}, [0.2, 0.3, 0.8], [0, 4, 8]),
        ({"distribution": "q_uniform", "min": 0, "max": 0.3, "q": 0.1}, [0, 1], [0.0, 0.3]),
        ({"distribution": "q_uniform", "min": 3, "max": 9, "q": 4}, [0, 1], [4, 8]),  # stays inside
        ({"distribution": "q_uniform", "min": 0, "max": 10}, [0.26], [3]),  # q defaults to 1
        ({"distribution": "log_uniform", "min": 0, "max": 2}, [0, 0.5, 1], [1, math.e, math.e**2]),
        ({"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-2}, [0.5], [1e-3]),
        ({"distribution": "q_log_uniform", "min": 0, "max": 2}, [0, 0.5, 1], [1, 3, 7]),
        (
            {"distribution": "q_log_uniform_values", "min": 10, "max": 1000, "q": 10},
            [0, 0.5, 1],
            [10, 100, 1000],
        ),
        (
            # log(1/X) runs from 0 to 2, so X from 1 down to e^-2.
            {"distribution": "inv_log_uniform", "min": 0, "max": 2},
            [0, 0.5, 1],
            [math.exp(-2), math.exp(-1), 1],
        ),
        ({"distribution": "inv_log_uniform_values", "min": 1e-4, "max": 1e-2}, [0.5], [1e-3]),
        ({"distribution": "normal"}, [0.5, 0.8413447461], [0, 1]),
        ({"distribution": "normal", "mu": 3, "sigma": 2}, [0.8413447461], [5]),
        ({"distribution": "q_normal", "mu": 3, "sigma": 2, "q": 2}, [0.5, 0.75], [4, 4]),
        ({"distribution": "q_normal", "mu": 0.6, "sigma": 0.01}, [0, 1], [1, 1]),
        ({"distribution": "log_normal", "mu": 1}, [0.5], [math.e]),
        ({"distribution": "q_log_normal", "mu": 1}, [0.0001, 0.5], [0, 3]),
        ({"distribution": "beta"}, [0.25], [0.25]),
        ({"distribution": "beta", "a": 2, "b": 1}, [0.25], [0.5]),  # its cdf is x²
        ({"distribution": "q_beta", "a": 2, "b": 1, "q": 0.2}, [0.25], [0.4]),
    ],
)
def test_distributions_have_their_documented_quantiles(
    entry: dict[str, Any], quantiles: list[float], expected: list[Any]
) -> None:
    found = at(entry, *quantiles)
    for value, wanted in zip(found, expected, strict=True):
        number = type(wanted) in (int, float)
        assert value == (pytest.approx(wanted, rel=1e-6, abs=1e-9) if number else wanted)


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"min": 1, "max": 9}, int),
        ({"min": 1.0, "max": 9}, float),
        ({"distribution": "q_uniform", "min": 0, "max": 9, "q": 3}, int),
        ({"distribution": "q_uniform", "min": 0, "max": 9, "q": 0.5}, float),
        ({"distribution": "q_log_normal"}, int),
        ({"values": [1, 2]}, int),
        ({"values": [True, False]}, bool),
    ],
)
def test_values_have_the_type_that_was_asked_for(entry: dict[str, Any], kind: type) -> None:
    assert type(at(entry, 0.4)[0]) is kind


@pytest.mark.parametrize(
    ("entry", "size"),
    [
        ({"value": 3}, 1),
        ({"values": [1, 1.0, True, "1", None, [1], [1.0]]}, 5),
        ({"min": 1, "max": 6}, 6),
        ({"distribution": "q_uniform", "min": 0.0, "max": 1.0, "q": 0.1}, 11),
        ({"distribution": "q_beta", "q": 0.5}, 3),
        ({"min": 0.0, "max": 1.0}, None),
        ({"distribution": "normal"}, None),
    ],
)
def test_finite_parameters_know_how_many_values_they_have(
    entry: dict[str, Any], size: int | None
) -> None:
    assert parameter(entry).size == size


@pytest.mark.parametrize(
    ("entry", "outside"),
    [
        ({"min": 1, "max": 6}, [0, 7, 1.5, True, "3", None, math.nan, [3]]),
        ({"min": 0.0, "max": 1.0}, [-0.1, 1.1, math.inf, math.nan, False, "0.5"]),
        ({"distribution": "q_uniform", "min": 0, "max": 9, "q": 3}, [1, 4.5, 12, -3]),
        ({"values": [1, "a", None]}, [True, "1", "b", [1], {}, 2]),
        ({"values": [[64, 128]]}, [[128, 64], [64], 64]),
    ],
)
def test_values_outside_a_parameter_are_known_as_such(
    entry: dict[str, Any], outside: list[Any]
) -> None:
    one = parameter(entry)
    assert [one.key(value) for value in outside] == [None] * len(outside)


numbers = st.floats(-50, 50).map(lambda x: round(x, 3))


def bounded(name: str, bounds: st.SearchStrategy[list[float]]) -> st.SearchStrategy[dict[str, Any]]:
    return bounds.map(lambda two: {"distribution": name, "min": min(two), "max": max(two)})


two_numbers = st.lists(numbers, min_size=2, max_size=2, unique=True)
two_positive = st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=2, unique=True)
numeric_entries = st.one_of(
    *(bounded(n, two_numbers) for n in ("uniform", "log_uniform", "inv_log_uniform")),
    *(bounded(n, two_positive) for n in ("log_uniform_values", "inv_log_uniform_values")),
    bounded("int_uniform", st.lists(st.integers(-99, 99), min_size=2, max_size=2, unique=True)),
    st.builds(
        lambda low, steps, q: {
            "distribution": "q_uniform",
            "min": low,
            "max": low + (1 + steps) * q,
            "q": q,
        },
        numbers,
        st.integers(0, 20),
        st.sampled_from([1, 3, 0.1, 0.25]),
    ),
    st.builds(
        lambda name, mu, sigma: {"distribution": name, "mu": mu, "sigma": sigma},
        st.sampled_from(["normal", "q_normal", "log_normal", "q_log_normal"]),
        st.floats(-3, 3),
        st.floats(0.01, 3),
    ),
    st.builds(
        lambda name, a, b: {"distribution": name, "a": a, "b": b},
        st.sampled_from(["beta", "q_beta"]),
        st.floats(0.5, 9),
        st.floats(0.5, 9),
    ),
)


@given(numeric_entries, st.floats(0, 1))
def test_a_drawn_value_lies_inside_and_leads_back_to_its_key(
    entry: dict[str, Any], u: float
) -> None:
    one = parameter(entry)
    assert isinstance(one, Numeric)
    key = one.draw(u)
    value = one.value(key)
    assert one.low - 1e-9 <= value <= one.high + 1e-9
    assert one.key(value) == key
    assert one.size is None or 0 <= key < one.size
    assert 0 <= one.quantile(key) <= 1


@given(numeric_entries, st.floats(0.01, 0.99))
def test_a_value_leads_back_to_its_quantile(entry: dict[str, Any], u: float) -> None:
    """Continuous values exactly; of quantized ones, to a quantile that draws the same value."""
    one = parameter(entry)
    assert isinstance(one, Numeric)
    key = one.draw(u)
    if one.size is None:
        assert one.quantile(key) == pytest.approx(u, abs=1e-3)
    else:
        assert one.draw(one.quantile(key)) == key
