"""How a run is executed on this machine's CPUs: decided once, said in words, followed by all."""

from typing import Any

import pytest

from src.architectures.execution import Execution
from src.config.run_config import RunConfig
from src.datasets.spec import TrainingData
from src.model import NeuralNetwork
from src.training.epoch import EpochRunner
from src.training.execution import build_network, choose_execution, execution_of_predictions
from src.training.kept import epoch_runner
from tests.architectures.specs import pictures, reviews


def chosen(**values: Any) -> Execution:
    return choose_execution(RunConfig.parse(values), examples=100)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("mlp", "XLA (an mlp on a CPU has small steps, whose overhead XLA removes)"),
        ("cnn", "TensorFlow graph (on a CPU, oneDNN's convolutions are faster than XLA's)"),
        ("resnet", "TensorFlow graph (on a CPU, oneDNN's convolutions are faster than XLA's)"),
        (
            "rnn",
            "TensorFlow graph (an rnn on a CPU runs its directions side by side, "
            "each loop compiled by XLA)",
        ),
    ],
)
def test_what_was_measured_to_be_faster_on_a_cpu(model: str, words: str) -> None:
    assert str(chosen(model=model)) == words


@pytest.mark.parametrize(("jit", "compiled"), [("on", True), ("off", False)])
@pytest.mark.parametrize("model", ["mlp", "cnn", "resnet", "rnn"])
def test_a_flag_overrules_it(model: str, jit: str, compiled: bool) -> None:
    execution = chosen(model=model, jit=jit)
    assert (execution.jit, execution.reason) == (compiled, f"as --jit {jit} says")


def test_the_loops_of_an_rnn_are_compiled_unless_nothing_is() -> None:
    assert chosen(model="rnn").compiles_parts
    assert chosen(model="rnn", jit="on").compiles_parts
    assert not chosen(model="rnn", jit="off").compiles_parts
    assert not chosen(model="mlp").compiles_parts


@pytest.mark.parametrize("jit", ["auto", "on", "off"])
def test_a_run_says_which_of_its_parts_stay_in_float32(jit: str) -> None:
    execution = chosen(model="rnn", precision="bfloat16", jit=jit)
    assert execution.recurrence_dtype == "float32"
    assert execution.reason.endswith("; its loops stay in float32 on a CPU")
    for other in (chosen(model="rnn", jit=jit), chosen(precision="bfloat16", jit=jit)):
        assert other.recurrence_dtype is None
        assert "float32" not in other.reason


def test_a_network_predicts_in_the_types_that_it_was_trained_in() -> None:
    """So that the validation accuracy of a checkpoint can be had again."""
    for values in ({"model": "rnn", "precision": "bfloat16"}, {"precision": "bfloat16"}):
        config = RunConfig.parse(values)
        there = execution_of_predictions(config)
        assert there.recurrence_dtype == choose_execution(config, 100).recurrence_dtype


def test_a_network_of_many_devices_predicts_on_one() -> None:
    config = RunConfig.parse({"strategy": "mirrored"})
    assert execution_of_predictions(config).devices == ()


def test_cells_are_handed_what_was_decided() -> None:
    config = RunConfig.parse(
        {"model": "rnn", "dataset": "synthetic_reviews", "precision": "bfloat16"}
    )
    spec = reviews()
    told = Execution(compiles_parts=True, recurrence_dtype="float32")
    for execution, dtype in ((told, "float32"), (Execution(), "bfloat16")):
        layer = NeuralNetwork(config, spec, execution).model.layers[1]
        assert layer.compute_dtype == dtype
        assert layer._compiled == execution.compiles_parts


def test_a_network_made_alone_is_a_plain_graph() -> None:
    execution = NeuralNetwork(RunConfig(), pictures(2, 2, 1)).execution
    assert (execution.jit, execution.compiles_parts, execution.devices) == (False, False, ())


def test_epochs_follow_the_network_that_they_are_given(small_data: TrainingData) -> None:
    """Also when an equal run, executed otherwise, has left a compiled epoch."""
    config, examples = RunConfig(hidden_size=19), len(small_data.train)
    networks = [
        build_network(config, small_data.spec, examples),
        NeuralNetwork(config, small_data.spec),
    ]
    runners: list[EpochRunner] = []
    for network in networks:
        with epoch_runner(network, small_data.train) as runner:
            runners.append(runner)
            assert runner.network.execution == network.execution
    assert runners[0] is not runners[1]
