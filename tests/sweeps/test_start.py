"""What a sweep's program imports before it knows its server: only what that takes."""

import subprocess
import sys

import pytest

from src.shared.paths import ROOT

HEAVY = {"pandas", "seaborn", "sklearn", "matplotlib", "tensorflow"}


@pytest.mark.parametrize(
    ("imports", "absent"),
    [
        ("import run_sweep", HEAVY | {"wandb", "numpy"}),
        ("import src.sweeps.servers, src.sweeps.definition, src.tracking.client", HEAVY),
        ("import src.tracking.tracker", HEAVY),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_used(imports: str, absent: set[str]) -> None:
    script = f"import sys; {imports}; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & absent == set()
