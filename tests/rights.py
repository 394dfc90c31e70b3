"""What only some users may do, and only some systems tell.

A test that is skipped for one of these says which. Root on Linux has all of
it, but for the mounting of disks, which a container may forbid.
"""

import os
import subprocess
import sys
import tempfile

import pytest

NOBODY = 65534  # another user

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells whose a connection is"
)
root_only = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can act as another user, or give it a file"
)


def _can_mount() -> bool:
    """Mounting needs root on Linux, and a container may still forbid it."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    # On a folder that there is: no other fault is to be taken for a lack of rights.
    probe = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", tempfile.gettempdir()]
    return subprocess.run(probe, capture_output=True).returncode == 0


mounting = pytest.mark.skipif(not _can_mount(), reason="needs the right to mount a disk")
