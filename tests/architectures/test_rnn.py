"""The recurrent network: its shape follows the config, and padding changes nothing."""

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from src.architectures.execution import PLAIN, Execution
from src.architectures.rnn import build_rnn
from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec
from src.model import NeuralNetwork
from src.training.execution import build_network

REVIEWS = InputSpec(shape=(9,), class_names=("bad", "good"), mean=(), std=(), vocabulary_size=20)
PICTURES = InputSpec(shape=(4, 5, 2), class_names=("a", "b", "c"), mean=(0.5, 0.1), std=(0.25, 0.2))
WORDS = np.array([[3, 4, 5, 0, 0, 0, 0, 0, 0], [2] * 9, [7] + [0] * 8], np.int32)


def _config(**values: Any) -> RunConfig:
    reviews = {"model": "rnn", "dataset": "synthetic_reviews", "hidden_size": 6}
    return RunConfig.parse({**reviews, "embedding_size": 4, **values})


def _weights(config: RunConfig, spec: InputSpec = REVIEWS) -> dict[str, Any]:
    variables = build_rnn(config, spec).trainable_variables
    return {f"{i} {v.name}": np.asarray(v) for i, v in enumerate(variables)}


COMBINATIONS = list(
    itertools.product(("rnn", "lstm", "gru"), (False, True), ("last", "mean", "max"))
)


@pytest.mark.parametrize(("cell", "bidirectional", "time_pooling"), COMBINATIONS)
def test_what_a_review_gives_does_not_depend_on_the_padding_after_it(
    cell: str, bidirectional: bool, time_pooling: str
) -> None:
    config = _config(
        cell=cell, bidirectional=bidirectional, time_pooling=time_pooling, hidden_size=[6, 5]
    )
    padded = build_rnn(config, REVIEWS)
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.5, w.shape) for w in padded.get_weights()]
    padded.set_weights(weights)
    for row in WORDS:
        words = row[row != 0]
        spec = InputSpec((len(words),), ("bad", "good"), (), (), vocabulary_size=20)
        bare = build_rnn(config, spec)
        bare.set_weights(weights)
        np.testing.assert_allclose(
            padded(WORDS)[(row == WORDS).all(1)], bare(words[None]), atol=1e-5
        )


@pytest.mark.parametrize(("cell", "bidirectional", "time_pooling"), COMBINATIONS)
def test_a_review_without_words_gives_finite_logits_and_gradients(
    cell: str, bidirectional: bool, time_pooling: str
) -> None:
    model = build_rnn(
        _config(cell=cell, bidirectional=bidirectional, time_pooling=time_pooling), REVIEWS
    )
    with tf.GradientTape() as tape:
        logits = model(np.zeros((2, 9), np.int32), training=True)
        loss = tf.reduce_sum(tf.square(logits - 1))
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    np.testing.assert_array_equal(logits, 0)
    for gradient in gradients[:-1]:
        np.testing.assert_array_equal(tf.convert_to_tensor(gradient), 0)
    assert np.all(gradients[-1] == -4)


@pytest.mark.parametrize("time_pooling", ["last", "mean", "max"])
def test_padding_learns_nothing(time_pooling: str) -> None:
    model = build_rnn(_config(bidirectional=True, time_pooling=time_pooling), REVIEWS)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(WORDS) - 1))
    gradient = tf.convert_to_tensor(tape.gradient(loss, model.trainable_variables[0].value))
    touched = np.flatnonzero(np.abs(gradient).sum(axis=1))
    np.testing.assert_array_equal(touched, [2, 3, 4, 5, 7])


def test_time_pooling_is_over_the_outputs_of_real_words() -> None:
    def pooled(time_pooling: str) -> Any:
        model = build_rnn(_config(bidirectional=True, time_pooling=time_pooling), REVIEWS)
        x = WORDS
        for layer in model.layers[:2]:
            x = layer(x)
        return np.asarray(x), np.asarray(model.layers[2](x))

    outputs, last = pooled("last")
    np.testing.assert_array_equal(last[0], [*outputs[0, 2, :6], *outputs[0, 0, 6:]])
    outputs, mean = pooled("mean")
    np.testing.assert_allclose(mean[0], outputs[0, :3].mean(axis=0), atol=1e-6)
    outputs, largest = pooled("max")
    np.testing.assert_array_equal(largest[0], outputs[0, :3].max(axis=0))


@pytest.mark.parametrize(("cell", "blocks"), [("rnn", 1), ("lstm", 4), ("gru", 3)])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_has_the_layers_that_the_config_says(cell: str, blocks: int, bidirectional: bool) -> None:
    ways = 2 if bidirectional else 1
    config = _config(cell=cell, bidirectional=bidirectional, hidden_size=[6, 5])
    kernels = [w.shape for name, w in _weights(config).items() if name.endswith("kernel")]
    first = [(4, 6 * blocks), (6, 6 * blocks)] * ways
    second = [(6 * ways, 5 * blocks), (5, 5 * blocks)] * ways
    assert kernels == [*first, *second, (5 * ways, 2)]


def test_weight_decay_is_for_kernels_not_for_biases_or_embeddings() -> None:
    network = NeuralNetwork(_config(bidirectional=True), REVIEWS)
    assert len(network.kernels) == 5
    assert all(kernel.shape[0] != 20 for kernel in network.kernels)


def test_initial_weights_are_as_documented() -> None:
    config = _config(cell="lstm", weight_init="random", hidden_size=50, embedding_size=100)
    _, kernel, recurrent, bias, *_ = _weights(config).values()
    assert kernel.std() == pytest.approx(0.05, rel=0.03)
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(50), atol=1e-5)
    np.testing.assert_array_equal(bias, [0] * 50 + [1] * 50 + [0] * 100)


def test_a_seed_fixes_the_weights_with_and_without_dropout() -> None:
    def values(**changes: Any) -> list[bytes]:
        return [w.tobytes() for w in _weights(_config(bidirectional=True, **changes)).values()]

    assert values(seed=3) == values(seed=3) == values(seed=3, dropout=0.5)
    assert values(seed=3) != values(seed=4)
    assert len(set(values(hidden_size=[6, 6]))) > 8


def test_dropout_drops_between_layers_and_before_the_head_in_training_only() -> None:
    model = build_rnn(_config(dropout=0.5, hidden_size=[6, 5]), REVIEWS)
    names = [type(layer).__name__ for layer in model.layers[1:]]
    assert names == ["Recurrent", "Dropout", "Recurrent", "TimePooling", "Dropout", "Dense"]
    first, second = (np.asarray(model(WORDS, training=True)) for _ in range(2))
    assert (first != second).any()
    np.testing.assert_array_equal(model(WORDS), model(WORDS))


def test_a_picture_is_read_row_by_row() -> None:
    config = RunConfig.parse({"model": "rnn", "hidden_size": 6, "cell": "rnn"})
    model = build_rnn(config, PICTURES)
    kernel, recurrent, bias, head, head_bias = model.get_weights()
    x = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 2), dtype=np.uint8)
    rows = ((x / 255 - np.array(PICTURES.mean)) / np.array(PICTURES.std)).reshape(3, 4, 10)
    h = np.zeros((3, 6))
    for t in range(4):
        h = np.tanh(rows[:, t] @ kernel + h @ recurrent + bias)
    np.testing.assert_allclose(model(x), h @ head + head_bias, atol=1e-4)


@pytest.mark.parametrize("jit", ["off", "auto", pytest.param("on", marks=pytest.mark.slow)])
def test_training_is_repeatable_to_the_last_bit(jit: str) -> None:
    def train() -> list[bytes]:
        config = _config(bidirectional=True, dropout=0.3, jit=jit)
        network = build_network(config, REVIEWS, len(WORDS))
        optimizer = network.create_optimizer()
        step = tf.function(
            lambda: network.train_step(tf.constant(WORDS), tf.constant([0, 1, 1]), optimizer),
            jit_compile=jit == "on",
            autograph=False,
        )
        for _ in range(5):
            step()
        return [w.tobytes() for w in network.model.get_weights()]

    assert train() == train()


@pytest.mark.slow
def test_training_is_the_same_however_its_loops_are_compiled() -> None:
    def gradients(execution: Execution) -> list[Any]:
        config = _config(bidirectional=True, hidden_size=[6, 5])
        network = NeuralNetwork(config, REVIEWS, execution)

        @tf.function(input_signature=[tf.TensorSpec((None, 9), tf.int32)], autograph=False)
        def run(x: Any) -> list[Any]:
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(tf.square(network.forward(x, training=True) - 1))
            return [tf.convert_to_tensor(g) for g in tape.gradient(loss, network.variables)]

        return [*run(WORDS), *run(WORDS[:1])]

    for compiled, plain in zip(
        gradients(Execution(compiles_parts=True)), gradients(PLAIN), strict=True
    ):
        np.testing.assert_allclose(compiled, plain, atol=1e-5)
