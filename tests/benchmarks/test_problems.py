"""Every way gets the same model, data and weights."""

import numpy as np
import pytest

from benchmarks.problems import FAMILIES, Problem, initial_weights, make_data
from src.architectures import build_model


@pytest.mark.parametrize("family", FAMILIES)
def test_a_problem_survives_the_pipe(family: str) -> None:
    problem = FAMILIES[family].resized(7)
    assert Problem.from_json(problem.to_json()) == problem


@pytest.mark.parametrize("family", FAMILIES)
def test_data_are_of_the_kind_that_the_model_takes(family: str) -> None:
    problem = FAMILIES[family].resized(100)
    data = make_data(problem)
    assert data.x.shape == (100, *problem.spec.shape)
    assert data.x.dtype == problem.spec.dtype
    assert set(data.y) <= set(range(problem.spec.num_classes))
    if problem.spec.kind == "reviews":
        assert data.x.min() >= 1  # no padding
        assert data.x.max() < problem.spec.vocabulary_size
    again = make_data(problem)
    assert np.array_equal(data.x, again.x)
    assert np.array_equal(data.y, again.y)


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_are_those_of_our_own_model(family: str) -> None:
    problem = FAMILIES[family]
    model = build_model(problem.config, problem.spec)
    ours = sorted(tuple(v.shape) for v in model.trainable_variables)
    assert ours == sorted(weight.shape for weight in initial_weights(problem))
