"""The multilayer perceptron: a stack of dense layers over flattened pixels or a bag of words."""

from typing import Any

import keras
import tensorflow as tf

from src.architectures.execution import PLAIN, Execution
from src.architectures.layers import Layers, pixels
from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec


def build_mlp(config: RunConfig, spec: InputSpec, execution: Execution = PLAIN) -> Any:
    """Build the network that a config describes.

    A picture is its pixels in a row. A review is the mean of its words' embeddings, as in Iyyer et
    al. 2015, "Deep unordered composition rivals syntactic methods for text classification"
    (aclanthology.org/P15-1162).

    Args:
        config: ``num_layers`` hidden layers (0 is softmax regression) of ``hidden_size`` units.
        spec: Shape of the examples, their pixel statistics or vocabulary, and the number of
            classes.
        execution: How it will be executed.

    Returns:
        A ``keras.Model`` from raw examples ``(batch, *spec.shape)`` to logits
        ``(batch, num_classes)``.
    """
    make = Layers(config, execution)
    if spec.kind == "reviews":
        words = keras.Input(spec.shape, dtype=spec.dtype)
        layers = [words, make.embedding(spec), MeanOverWords(dtype="float32")]
    else:
        layers = [*pixels(spec), keras.layers.Flatten()]
    return keras.Sequential([*layers, *make.hidden_layers(), make.dense(spec.num_classes)])


class MeanOverWords(keras.layers.GlobalAveragePooling1D):  # type: ignore[misc]
    """The mean of the vectors of a review's words, padding apart.

    Unlike its parent it gives zeros, not NaN, for a review without words.
    """

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """From ``(batch, words, size)`` and a mask ``(batch, words)`` to ``(batch, size)``."""
        is_word = tf.cast(mask, inputs.dtype)
        words = tf.reduce_sum(is_word, axis=1, keepdims=True)
        return tf.einsum("bw,bws->bs", is_word, inputs) / tf.maximum(words, 1)
