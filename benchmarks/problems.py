"""What is measured: the models, their made-up data, and the weights that every way starts from."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec, Split

Weights = list[NDArray[np.float32]]

_CLASS_NAMES = {"fashion_mnist": 10, "cifar10": 10, "imdb": 2}
_PICTURES = {"fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
# A tenth of the labels is wrong: a loss that goes to 0 makes denormal numbers, which are slow.
_WRONG_LABELS = 0.1
_SIGNAL_WORDS = 0.3  # the share of a review's words that depends on its class
_WORDS_A_CLASS = 100


@dataclass(frozen=True)
class Problem:
    """A model and the number of examples of an epoch.

    Attributes:
        title: What the model is, for people.
        config: The run; its data set says only what shape the examples have.
        examples: Of an epoch.
    """

    title: str
    config: RunConfig
    examples: int

    @property
    def spec(self) -> InputSpec:
        """The facts about the made-up examples."""
        config = self.config
        classes = tuple(f"class {i}" for i in range(_CLASS_NAMES[config.dataset]))
        if config.dataset == "imdb":
            return InputSpec((config.sequence_length,), classes, (), (), config.vocabulary_size)
        shape = _PICTURES[config.dataset]
        return InputSpec(shape, classes, mean=(0.5,) * shape[-1], std=(0.25,) * shape[-1])

    def resized(self, examples: int) -> "Problem":
        """The same model with another number of examples."""
        return replace(self, examples=examples)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for :meth:`from_json`."""
        return {
            "title": self.title,
            "config": self.config.model_dump(mode="json", exclude_none=True),
            "examples": self.examples,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Problem":
        """The problem that :meth:`to_json` wrote."""
        return cls(values["title"], RunConfig.parse(values["config"]), values["examples"])


def _config(**values: Any) -> RunConfig:
    return RunConfig.parse({"optimizer": "adam", "batch_size": 64, "no_wandb": True} | values)


FAMILIES = {
    "mlp": Problem(
        "MLP 784-128-128-128-10",
        _config(model="mlp", dataset="fashion_mnist", num_layers=3, hidden_size=128),
        30_016,
    ),
    "cnn": Problem(
        "CNN conv32-conv32-pool-conv64-conv64-pool-dense128 on 32x32x3",
        _config(
            model="cnn",
            dataset="cifar10",
            filters=(32, 64),
            convolutions=2,
            head="dense",
            hidden_size=128,
        ),
        1_280,
    ),
    "rnn": Problem(
        "Bidirectional LSTM 64 on sequences of 200, embedding 10,000x64",
        _config(model="rnn", dataset="imdb", cell="lstm", bidirectional=True, hidden_size=64),
        1_280,
    ),
    "resnet": Problem(
        "ResNet-18 of width 16 on 32x32x3",
        _config(model="resnet", dataset="cifar10", width=16),
        1_280,
    ),
}


def make_data(problem: Problem, seed: int = 0) -> Split:
    """Noise in which the class can be seen: equal in cost to real data, and it can be learnt."""
    rng = np.random.default_rng(seed)
    spec, examples = problem.spec, problem.examples
    classes = rng.integers(spec.num_classes, size=examples)
    shape = (examples, *spec.shape)
    x: NDArray[Any]
    if spec.kind == "pictures":
        patterns = rng.integers(2, size=(spec.num_classes, *spec.shape), dtype=np.uint8)
        x = rng.integers(176, size=shape, dtype=np.uint8) + 80 * patterns[classes]
    else:
        x = rng.integers(2, spec.vocabulary_size, size=shape, dtype=np.int32)
        told = (
            2 + _WORDS_A_CLASS * classes[:, np.newaxis] + rng.integers(_WORDS_A_CLASS, size=shape)
        )
        x = np.where(rng.random(shape) < _SIGNAL_WORDS, told, x) % spec.vocabulary_size
        x = np.maximum(x, 1).astype(np.int32)  # no review is shorter than the others
    wrong = rng.random(examples) < _WRONG_LABELS
    labels = np.where(wrong, rng.integers(spec.num_classes, size=examples), classes)
    return Split(x, labels.astype(np.int32))


def initial_weights(problem: Problem, seed: int = 0) -> Weights:
    """The trainable weights in Keras's layouts, from the input to the output.

    A dense layer has kernel and bias. A convolution has a kernel ``(height, width, in, out)`` and
    a bias, in a resnet no bias but then scale and offset of its batch norm. An LSTM has, forward
    then backward, the kernels of input and state and the bias, gates in the order input, forget,
    cell, output. In a resnet's block the shortcut's convolution, if it has one, comes last.
    Kernels are drawn from Glorot's uniform distribution.
    """
    rng = np.random.default_rng(seed)
    return {"mlp": _mlp, "cnn": _cnn, "rnn": _rnn, "resnet": _resnet}[problem.config.model](
        problem, rng
    )


def _glorot(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    area = int(np.prod(shape[:-2]))
    limit = np.sqrt(6 / (area * (shape[-2] + shape[-1])))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def _dense(rng: np.random.Generator, *sizes: int) -> Weights:
    pairs = [(_glorot(rng, a, b), np.zeros(b, np.float32)) for a, b in pairwise(sizes)]
    return [weight for pair in pairs for weight in pair]


def _mlp(problem: Problem, rng: np.random.Generator) -> Weights:
    spec = problem.spec
    return _dense(rng, int(np.prod(spec.shape)), *problem.config.layer_sizes, spec.num_classes)


def _cnn(problem: Problem, rng: np.random.Generator) -> Weights:
    config, spec = problem.config, problem.spec
    weights: Weights = []
    channels = spec.shape[-1]
    for filters in config.filters:
        for _ in range(config.convolutions):
            kernel = _glorot(rng, config.kernel_size, config.kernel_size, channels, filters)
            weights += [kernel, np.zeros(filters, np.float32)]
            channels = filters
    side = spec.shape[0] // 2 ** len(config.filters)
    sizes = (side * side * channels, *config.layer_sizes, spec.num_classes)
    return weights + _dense(rng, *sizes)


def _rnn(problem: Problem, rng: np.random.Generator) -> Weights:
    config, spec = problem.config, problem.spec
    embedding = rng.uniform(-0.05, 0.05, (spec.vocabulary_size, config.embedding_size))
    weights = [embedding.astype(np.float32)]
    (units,) = config.layer_sizes
    for _ in range(2):
        bias = np.repeat(np.asarray([0, 1, 0, 0], np.float32), units)  # the forget gate starts open
        kernels = [_glorot(rng, size, 4 * units) for size in (config.embedding_size, units)]
        weights += [*kernels, bias]
    return weights + _dense(rng, 2 * units, spec.num_classes)


def _resnet(problem: Problem, rng: np.random.Generator) -> Weights:
    def convolution(side: int, inputs: int, outputs: int) -> Weights:
        kernel = _glorot(rng, side, side, inputs, outputs)
        return [kernel, np.ones(outputs, np.float32), np.zeros(outputs, np.float32)]

    width = channels = problem.config.width
    weights = convolution(3, problem.spec.shape[-1], width)
    for filters, stride in resnet_blocks(width):
        weights += convolution(3, channels, filters) + convolution(3, filters, filters)
        if stride != 1 or channels != filters:
            weights += convolution(1, channels, filters)
        channels = filters
    return weights + _dense(rng, channels, problem.spec.num_classes)


def resnet_blocks(width: int) -> list[tuple[int, int]]:
    """Filters and stride of each of a ResNet-18's eight blocks, in its form for small pictures."""
    return [
        (width * 2**stage, 2 if stage and block == 0 else 1)
        for stage in range(4)
        for block in range(2)
    ]
