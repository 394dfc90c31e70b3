"""What only some users may do, and only some systems tell.

A test that is skipped for one of these says which. Root on Linux has all of
it, but for the mounting of disks, which a container may forbid.
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


mounting = pytest.mark.skipif(not _can_mount(), reason="needs the right to mount a disk")
