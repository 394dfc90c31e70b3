"""PyTorch: eager with fused Adam, and compiled.

The examples are tensors in memory, indexed by a permutation: a ``DataLoader`` would copy them one
by one. Pictures are ``channels_last``.
"""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchmarks.peers import EPSILON, Task, Training, cores
from benchmarks.peers.torch_models import build

torch.set_num_threads(cores())

_SIDE = 1536  # of the matrices that the peak is measured with
_PRODUCTS = 4


def eager(task: Task) -> Training:
    """As it comes."""
    return _train(task, lambda model: model)


def compiled(task: Task) -> Training:
    """With the model compiled by ``torch.compile``."""
    torch._dynamo.reset()
    return _train(task, lambda model: torch.compile(model, dynamic=False))


def _train(task: Task, prepare: Callable[[Any], Any]) -> Training:
    config = task.problem.config
    plain = build(task.problem, task.weights)
    pictures = config.model in ("cnn", "resnet")
    if pictures:
        plain = plain.to(memory_format=torch.channels_last)
    model = prepare(plain.train())
    optimizer = torch.optim.Adam(
        plain.parameters(), lr=config.learning_rate, eps=EPSILON, fused=True
    )
    loss_function = nn.CrossEntropyLoss()
    x, y = torch.from_numpy(task.inputs), torch.from_numpy(task.data.y).long()
    half = torch.autocast("cpu", torch.bfloat16, enabled=task.precision == "bfloat16")

    def epoch() -> tuple[float, float]:
        total, correct = torch.zeros(()), torch.zeros((), dtype=torch.long)
        for batch in torch.randperm(len(y)).split(config.batch_size):
            inputs, labels = x[batch], y[batch]
            if pictures:  # kept with the channels last, seen with them first: nothing is copied
                inputs = inputs.permute(0, 3, 1, 2)
            optimizer.zero_grad()
            with half:
                logits = model(inputs)
            loss = loss_function(logits.float(), labels)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(labels)
            correct += (logits.argmax(1) == labels).sum()
        return total.item() / len(y), correct.item() / len(y)

    return Training(epoch)


def multiply(precision: str) -> float:
    """Floating-point operations a second of the best of some large matrix products."""
    matrix = torch.rand((_SIDE, _SIDE)).to(getattr(torch, precision))
    seconds = []
    for _ in range(_PRODUCTS):
        started = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - started)
    return 2 * _SIDE**3 / min(seconds)


def versions() -> dict[str, str]:
    """What was measured."""
    return {"PyTorch": torch.__version__}


WAYS = {"eager": eager, "compiled": compiled}
