"""The plan of an epoch: each step is taken once, in calls neither too long nor too many."""

import itertools

import pytest

from src.architectures.execution import PLAIN, Execution
from src.config.run_config import RunConfig
from src.model import NeuralNetwork
from src.training.plan import choose_chunk_steps, plan_epoch
from tests.architectures.specs import pictures


def test_stop_is_asked_often_even_when_a_step_is_heavy() -> None:
    def chunk(steps: int, flops_per_step: float) -> int:
        return choose_chunk_steps(steps, flops_per_step, PLAIN)

    assert 256 <= chunk(937, flops_per_step=5e7) <= 512
    assert chunk(937, flops_per_step=1.5e10) == 3
    assert chunk(937, flops_per_step=1e12) == 1
    assert chunk(1, flops_per_step=1.0) == 1
    assert chunk(0, flops_per_step=1.0) == 0


def test_a_network_without_products_has_the_longest_chunks() -> None:
    assert choose_chunk_steps(1024, flops_per_step=0.0, execution=PLAIN) == 512


def test_of_the_allowed_sizes_the_one_that_leaves_the_fewest_steps_over_is_taken() -> None:
    assert choose_chunk_steps(100, 1.0, Execution(chunk_steps=64)) == 50


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("examples", [1, 15, 16, 17, 290, 1000])
def test_every_step_is_taken_once_and_the_last_by_itself(examples: int, jit: bool) -> None:
    config = RunConfig(batch_size=16, hidden_size=4)
    execution = Execution(jit=jit, chunk_steps=7)
    plan = plan_epoch(NeuralNetwork(config, pictures(2, 2, 1), execution), examples)
    assert plan.batch_size == min(16, examples)
    assert plan.steps == -(-examples // 16)
    taken = [range(call.first, call.first + call.steps) for call in plan.calls]
    assert list(itertools.chain(*taken)) == list(range(plan.steps))
    assert plan.calls[-1].steps == 1
    if jit:  # one program for all chunks
        assert {call.steps for call in plan.calls} <= {1, plan.chunk_steps}
