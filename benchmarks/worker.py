"""A process that trains one framework's ways on request, and the driver's end of it.

TensorFlow, PyTorch and JAX in one process would fight over its threads, so each way has a process
of its own. Requests and answers are lines of JSON; the process waits, idle, between them.
"""

import contextlib
import importlib
import json
import os
import queue
import resource
import signal
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import Any, Self

from benchmarks.problems import Problem, initial_weights, make_data
from src.shared.paths import ROOT

MODULES = ("keras_peer", "tensorflow_loop", "torch_peer", "jax_peer", "gradsweep_peer")
_LAST_LINES = 3  # of its stderr, in the message about a process that died


class WayFailedError(Exception):
    """A way cannot do what it was asked to, and why, in one line."""


class Worker:
    """The driver's end: starts the process, asks, and ends it.

    Args:
        module: One of ``MODULES``.
        timeout: Seconds that an answer may take.
    """

    def __init__(self, module: str, timeout: float = 150) -> None:
        self._timeout = timeout
        self._answers: queue.Queue[str] = queue.Queue()
        self._errors: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for read in (self._read_answers, self._read_errors):
            threading.Thread(target=read, daemon=True).start()

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            WayFailedError: If the process says so, dies, or takes too long, which ends it.
        """
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        try:
            line = self._answers.get(timeout=self._timeout)
        except queue.Empty:
            self.close()
            raise WayFailedError(f"no answer within {self._timeout:g} s") from None
        if not line:
            self.close()
            said = " ".join("".join(self._errors[-_LAST_LINES:]).split())
            raise WayFailedError(f"its process died: {said or 'it said nothing'}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WayFailedError(answer["error"])
        return answer

    def _read_answers(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")  # there will be none

    def _read_errors(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self._errors.append(line)

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process, and those that it started: compilers, say."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()


def serve(module: str) -> None:
    """The process's end: answer until stdin ends."""
    from benchmarks.peers import Task, Training

    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = importlib.import_module(f"benchmarks.peers.{module}")
    training: Training | None = None

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        nonlocal training
        started = time.perf_counter()
        match request.pop("do"):
            case "prepare":
                training = None
                problem = Problem.from_json(request["problem"])
                data, weights = make_data(problem), initial_weights(problem)
                task = Task(problem, request["precision"], data, weights)
                started = time.perf_counter()
                training = peer.WAYS[request["function"]](task)
                return {"seconds": time.perf_counter() - started, "note": training.note}
            case "epoch":
                assert training
                loss, accuracy = training.epoch()
                seconds = time.perf_counter() - started
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
                return {"seconds": seconds, "loss": loss, "accuracy": accuracy, "memory": memory}
            case "multiply":
                return {"flops_per_second": peer.multiply(request["precision"])}
            case "versions":
                return {"versions": peer.versions()}
            case other:
                raise ValueError(f"unknown request {other!r}")

    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except Exception as error:
            first = (str(error).strip().splitlines() or [""])[0]
            reply = {"error": f"{type(error).__name__}: {first}"}
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
