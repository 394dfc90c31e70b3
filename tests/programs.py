"""Programs of the system that some tests need."""

import os
from typing import NoReturn

import pytest


def missing(program: str) -> NoReturn:
    """Skip the test, or, in CI, where none may be skipped, fail it."""
    if os.environ.get("CI"):
        pytest.fail(f"{program} is missing: apt-get install {program}")
    pytest.skip(f"{program} is not installed; apt-get install {program}")
