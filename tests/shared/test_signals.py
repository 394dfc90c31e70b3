"""A signal ends a program that waits, whichever of its threads the system gives it to."""

import signal
import subprocess
import sys

import pytest

from src.shared.paths import ROOT

PROGRAM = """
import signal, sys, threading, time
from src.shared.command import run_command

def other():
    time.sleep(0.5)  # until the main thread waits
    signal.pthread_kill(threading.get_ident(), int(sys.argv[1]))
    threading.Event().wait()

def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    threading.Thread(target=other, daemon=True).start()
    {wait}

run_command(main)
"""


@pytest.mark.parametrize(
    ("wait", "signum", "code"),
    [("threading.Event().wait()", signal.SIGTERM, 7), ("signal.pause()", signal.SIGINT, 130)],
)
def test_a_main_thread_that_waits_hears_a_signal_of_another_thread(
    wait: str, signum: signal.Signals, code: int
) -> None:
    command = [sys.executable, "-c", PROGRAM.replace("{wait}", wait), str(int(signum))]
    assert subprocess.run(command, cwd=ROOT, timeout=60, capture_output=True).returncode == code
