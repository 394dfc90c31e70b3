"""Starting TensorFlow without the notices that its libraries print about themselves."""

import os
import sys
import tempfile
from pathlib import Path


def start_tensorflow() -> None:
    """Import TensorFlow and set up its devices, dropping what its C++ side writes meanwhile.

    TensorFlow 2.21 writes several lines to stderr that TF_CPP_MIN_LOG_LEVEL does not reach, among
    them an error for each machine without a GPU. They are shown if something is wrong: the import
    fails, or there is an NVIDIA driver and yet no GPU is found.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as notices:
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
                os.write(2, notices.read())
