"""The ways that are compared, in the order of the tables, and the processes that they run in."""

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from benchmarks.worker import WayFailedError, Worker


@dataclass(frozen=True)
class WayName:
    """Where a way is.

    Attributes:
        title: For people.
        module: Of ``benchmarks.peers``.
        function: The key in the module's ``WAYS``.
    """

    title: str
    module: str
    function: str


WAYS = {
    "keras": WayName("Keras `fit`", "keras_peer", "fit"),
    "keras_best": WayName("Keras `fit`, fastest settings", "keras_peer", "fit_best"),
    "tf_loop": WayName("`tf.function` + `tf.data` loop", "tensorflow_loop", "loop"),
    "torch": WayName("PyTorch, fused Adam", "torch_peer", "eager"),
    "torch_compiled": WayName("PyTorch, `torch.compile`", "torch_peer", "compiled"),
    "jax": WayName("JAX, `jit`", "jax_peer", "jit"),
    "gradsweep": WayName("Gradsweep", "gradsweep_peer", "gradsweep"),
}
BASE, OURS = "keras", "gradsweep"


class Processes:
    """One process a way, started when first asked and again after it died."""

    def __init__(self) -> None:
        self._workers: dict[str, Worker] = {}

    def ask(self, way: str, **request: Any) -> dict[str, Any]:
        """Ask a way's process.

        Raises:
            WayFailedError: As :meth:`benchmarks.worker.Worker.ask`.
        """
        worker = self._workers.get(way)
        if worker is None or not worker.alive:
            worker = self._workers[way] = Worker(WAYS[way].module)
        return worker.ask(**request)

    def try_to_ask(self, way: str, **request: Any) -> dict[str, Any]:
        """The same, with a failure as the answer ``{"error": why}``."""
        try:
            return self.ask(way, **request)
        except WayFailedError as error:
            return {"error": str(error)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for worker in self._workers.values():
            worker.close()
