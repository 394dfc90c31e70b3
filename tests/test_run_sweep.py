"""Which signals end a sweep, and which drop one that is being ended."""

import subprocess
import sys
from pathlib import Path

import pytest

from src.shared.paths import ROOT

PROGRAM = """
import pathlib, signal, sys
import run_sweep
from src.shared import hangup
hangup.LOGS = pathlib.Path(sys.argv[1])
run_sweep._listen_to_signals()
for name in sys.argv[2:]:
    try:
        signal.raise_signal(signal.Signals[name])
    except KeyboardInterrupt:
        print(name)
"""


@pytest.mark.parametrize(
    ("sent", "heeded"),
    [
        ("SIGINT SIGHUP SIGTERM SIGINT", "SIGINT SIGINT"),
        ("SIGTERM SIGHUP SIGTERM SIGINT", "SIGTERM SIGINT"),
        ("SIGHUP SIGTERM SIGHUP SIGINT", "SIGHUP SIGINT"),
    ],
)
def test_only_another_ctrl_c_drops_a_sweep_that_is_being_ended(
    sent: str, heeded: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), *sent.split()]
    assert subprocess.check_output(command, cwd=ROOT, text=True).split() == heeded.split()
