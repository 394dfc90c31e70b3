"""Gradsweep's recurrent network is Keras's, but for what Keras's Adam does with words."""

from dataclasses import replace

import pytest

from benchmarks.peers import EPSILON, Task, Training, assign_kernels, fastest
from benchmarks.problems import FAMILIES, initial_weights, make_data

STEPS = 5


def small_rnn() -> Task:
    rnn = FAMILIES["rnn"]
    sizes = {"sequence_length": 12, "vocabulary_size": 300, "embedding_size": 8, "hidden_size": 8}
    problem = replace(rnn, config=rnn.config.model_copy(update=sizes), examples=64)
    return Task(problem, "float32", make_data(problem), initial_weights(problem))


@pytest.mark.slow
def test_keras_agrees_closely_once_the_gradients_of_a_word_are_summed() -> None:
    """It is this alone that makes the throughput benchmark's tolerance of rnn a wide one."""
    import keras
    import tensorflow as tf

    from benchmarks.peers import gradsweep_peer, keras_peer

    task = small_rnn()
    training = gradsweep_peer.gradsweep(task)
    ours = [training.epoch()[0] for _ in range(STEPS)]

    model = keras_peer.build(task.problem, "float32")
    assign_kernels(model.trainable_variables, task)
    optimizer = keras.optimizers.Adam(task.problem.config.learning_rate, epsilon=EPSILON)
    loss_object = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    theirs = []
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            loss = loss_object(task.data.y, model(task.inputs, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        summed = [tf.convert_to_tensor(gradient) for gradient in gradients]
        optimizer.apply_gradients(zip(summed, model.trainable_variables, strict=True))
        theirs.append(float(loss))
    assert theirs[-1] < theirs[0]
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_a_setting_that_fails_is_not_chosen() -> None:
    def train(task: Task, choice: str) -> Training:
        if choice == "broken":
            raise RuntimeError("no such setting")
        return Training(lambda: (0.0, 0.0))

    task = small_rnn()
    task = replace(task, problem=replace(task.problem, title="chosen among"))
    assert fastest(("broken", "whole"), task, train) == "whole"
    task = replace(task, problem=replace(task.problem, title="all fail"))
    with pytest.raises(RuntimeError, match="no such setting"):
        fastest(("broken", "broken"), task, train)
