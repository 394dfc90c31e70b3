"""A terminal that is lost ends a program once, tidily, and nothing that it prints is lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from src.shared.paths import ROOT
from tests.checkout import wait_for
from tests.terminals import Terminal

PROGRAM = """
import itertools, pathlib, sys, time
from src.shared import hangup
hangup.LOGS = pathlib.Path(sys.argv[1], "logs")
ended = []
h = hangup.Hangup("counter", lambda *_: ended.append(1))
end = pathlib.Path(sys.argv[1], "end")
for i in itertools.count():
    print("number", i)
    print("beside", i, file=sys.stderr)
    time.sleep(0.01)
    if end.exists():
        break
print("ended", len(ended), "times")
sys.exit(7)
"""


def start(folder: Path, *before: str) -> Terminal:
    terminal = Terminal([*before, sys.executable, "-c", PROGRAM, str(folder)], ROOT)
    wait_for(lambda: "number 3" in terminal.shown)
    return terminal


def logged(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.glob("logs/counter-*.log"))


@pytest.mark.parametrize("before", [(), ("sh", "-c", 'trap "" HUP; exec "$@"', "sh")])
def test_what_is_printed_goes_on_in_a_log(tmp_path: Path, before: tuple[str, ...]) -> None:
    terminal = start(tmp_path, *before)
    assert not logged(tmp_path)
    terminal.lose()
    wait_for(lambda: logged(tmp_path).count("number") > 20)
    os.kill(terminal.process.pid, signal.SIGHUP)  # shells send it to all that they started
    text = logged(tmp_path)
    wait_for(lambda: logged(tmp_path).count("number") > text.count("number") + 20)
    (tmp_path / "end").touch()
    assert terminal.process.wait(30) == 7
    text = logged(tmp_path)
    assert f"ended {0 if before else 1} times" in text
    assert "no terminal: -c" in text.splitlines()[0]
    numbers = [line for line in text.splitlines() if line.startswith("number ")]
    first = int(numbers[0].split()[1])
    assert numbers == [f"number {i}" for i in range(first, first + len(numbers))]
    assert f"beside {first + 5}" in text
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700, "others do not read it"


def test_a_signal_alone_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    terminal = start(tmp_path)
    os.kill(terminal.process.pid, signal.SIGHUP)
    wait_for(lambda: "number" in logged(tmp_path))
    (tmp_path / "end").touch()
    assert terminal.process.wait(30) == 7
    wait_for(lambda: "ended 1 times" in terminal.shown)
    assert "ended 1 times" in logged(tmp_path)
    terminal.lose()


def test_the_end_of_a_pipe_is_still_the_end(tmp_path: Path) -> None:
    program = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    process = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr
    assert b"BrokenPipeError" in process.stderr.read()
    process.wait()
    assert not logged(tmp_path)
