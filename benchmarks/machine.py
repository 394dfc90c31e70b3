"""What the figures were taken on."""

import os
import platform
from pathlib import Path
from typing import Any

from benchmarks.peers import cores

_INFO = Path("/proc/cpuinfo")


def machine() -> dict[str, Any]:
    """The processor, its cores, how busy it is, and the operating system."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "bfloat16_instructions": sorted(_flags() & {"avx512_bf16", "amx_bf16"}),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def describe(facts: dict[str, Any], versions: dict[str, str]) -> str:
    """One line."""
    named = [f"{name} {version}" for name, version in sorted(versions.items())]
    busy = f", load {facts['load']:.1f} at the start" if facts["load"] is not None else ""
    return f"{facts['processor']}, {facts['cores']} cores{busy}; " + ", ".join(
        [f"Python {facts['python']}", *named]
    )


def _processor() -> str:
    return _field("model name") or platform.processor() or platform.machine()


def _flags() -> set[str]:
    return set(_field("flags").split())


def _field(name: str) -> str:
    lines = _INFO.read_text().splitlines() if _INFO.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
