"""However a program ends, its exit code says it, and a traceback is of a fault of ours only."""

import subprocess
import sys

import pytest

from src.shared.paths import ROOT

PROGRAM = """
import contextlib
from src.shared.command import run_command

@contextlib.contextmanager
def library():
    try:
        yield
    finally:
        raise AssertionError("not nested as it should be")

def main():
    with library():
        raise {error}

run_command(main)
"""


@pytest.mark.parametrize(("error", "code"), [("KeyboardInterrupt", 130), ("ValueError", 1)])
def test_ctrl_c_is_no_fault_even_where_a_library_fails_at_tidying_up(error: str, code: int) -> None:
    command = [sys.executable, "-c", PROGRAM.replace("{error}", error)]
    ended = subprocess.run(command, cwd=ROOT, timeout=60, capture_output=True, text=True)
    assert ended.returncode == code
    assert ("Traceback" in ended.stderr) == (code == 1), ended.stderr
    assert (ended.stderr == "interrupted\n") == (code == 130)
