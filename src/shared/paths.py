"""Where things are: the folders of this checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
PLOTS = ROOT / "plots"
RECIPES = ROOT / "config" / "recipes"
SWEEP_CONFIG = ROOT / "config" / "sweep_config.yaml"
SERVER_DATA = ROOT / ".gradsweep" / "server"
SWEEP_LOGS = ROOT / ".gradsweep" / "sweeps"
