"""Starting TensorFlow without the notices that its libraries print about themselves."""

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def start_tensorflow() -> None:
    """Import TensorFlow and set up its devices, dropping what its C++ side writes meanwhile.

    TensorFlow 2.21 writes several lines to stderr that TF_CPP_MIN_LOG_LEVEL does not reach, among
    them an error for each machine without a GPU. They are shown if something is wrong: the import
    fails, or there is an NVIDIA driver and yet no GPU is found.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as notices, _signals_wait():
        os.dup2(notices.fileno(), 2)
        wrong = True
        try:
            import tensorflow as tf

            gpus = [device for device in tf.config.list_logical_devices() if "GPU" in device.name]
            wrong = not gpus and Path("/proc/driver/nvidia").exists()
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            if wrong:
                notices.seek(0)
                sys.stderr.write(notices.read().decode(errors="replace"))


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Have the signals that end a program come later: an exception in C++ code would abort it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers are called in the main one
        return
    came: list[int] = []
    ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {one: found for one in ending if callable(found := signal.getsignal(one))}
    for one in handlers:
        signal.signal(one, lambda signum, _: came.append(signum))
    try:
        yield
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
        for signum in came:
            signal.raise_signal(signum)
