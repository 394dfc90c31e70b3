"""What only some users may do, and only some systems tell.

A test that is skipped for one of these says which; nothing of it is skipped for root on Linux.
"""

import os
import subprocess
import sys

import pytest

NOBODY = 65534  # another user

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells whose a connection is"
)
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


def _can_mount() -> bool:
    """Mounting needs root, and a container may still forbid it."""
    probe = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return os.geteuid() == 0 and subprocess.run(probe, capture_output=True).returncode == 0


CAN_MOUNT = _can_mount()
mounting = pytest.mark.skipif(not CAN_MOUNT, reason="needs the right to mount a disk")
