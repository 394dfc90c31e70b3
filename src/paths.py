"""Where generated files go, relative to the checkout whatever the working directory is."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "models"
PLOTS = ROOT / "plots"
SWEEP_CONFIG = ROOT / "config" / "sweep_config.yaml"
SERVER_DATA = ROOT / ".gradsweep" / "server"
