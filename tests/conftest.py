import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from src.datasets.spec import InputSpec, Split, TrainingData
from src.shared.signals import do_nothing

if TYPE_CHECKING:
    from src.model import NeuralNetwork


def pytest_configure() -> None:
    """Start programs with the signals of a terminal, though nohup or "&" has these ignored.

    What is ignored is so in all programs that tests start; what is handled, in no other one.
    """
    for signum in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(signum) is signal.SIG_IGN:
            signal.signal(signum, do_nothing)


@pytest.fixture(scope="session", autouse=True)
def _no_client_asks_for_an_unknown_field(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Every server that any test starts notes the fields that clients ask for and it lacks."""
    yield
    notes = tmp_path_factory.getbasetemp().rglob("missing_fields.jsonl")
    asked = {str(path): path.read_text() for path in notes}
    assert not asked, "the embedded server lacks what its clients ask for"


@pytest.fixture(scope="session")
def small_data() -> TrainingData:
    """Four classes of noisy 6x6 pictures, easy to learn; 290 examples do not fill whole batches."""
    rng = np.random.default_rng(0)
    spec = InputSpec(shape=(6, 6, 1), class_names=("a", "b", "c", "d"), mean=(0.5,), std=(0.25,))
    patterns = rng.integers(40, 216, (spec.num_classes, *spec.shape))

    def split(n: int) -> Split:
        y = rng.integers(0, spec.num_classes, n).astype(np.int32)
        noisy = patterns[y] + rng.normal(0, 40, (n, *spec.shape))
        return Split(noisy.clip(0, 255).astype(np.uint8), y)

    return TrainingData("synthetic", spec, train=split(290), validation=split(100))


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> "list[NeuralNetwork]":
    """The network of each forward pass that Python runs: only when TensorFlow traces one."""
    from src.model import NeuralNetwork  # not for tests without TensorFlow

    traced: list[NeuralNetwork] = []
    forward = NeuralNetwork.forward

    def noted(self: NeuralNetwork, *args: Any, **kwargs: Any) -> Any:
        traced.append(self)
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(NeuralNetwork, "forward", noted)
    return traced
