"""How a network is executed, as a value: decided once a run, then handed to all of its parts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Execution:
    """How the steps of one network are executed; unless told, as a plain graph on one device.

    :mod:`src.training.execution` decides it. Models, cells and epochs only follow it.

    Attributes:
        jit: Whether XLA compiles the steps.
        reason: Why, for people.
        devices: The names of those that share every batch; none is the one that TensorFlow takes.
        compiles_parts: Whether XLA compiles parts of a step by themselves: an rnn's loops and the
            update of the weights.
        recurrence_dtype: The type of an rnn's loops, or None for what the precision says.
        chunk_steps: The steps of one compiled call at most.
        chunk_flops: The floating-point operations of one compiled call at most.
    """

    jit: bool = False
    reason: str = "nothing else was chosen"
    devices: tuple[str, ...] = ()
    compiles_parts: bool = False
    recurrence_dtype: str | None = None
    # Each call costs some steps' time: for an mlp 512 were 1.09 times as fast as 64.
    chunk_steps: int = 512
    # A request to stop waits until the end of a call.
    chunk_flops: float = 5e10

    def __str__(self) -> str:
        return f"{'XLA' if self.jit else 'TensorFlow graph'} ({self.reason})"


PLAIN = Execution()
