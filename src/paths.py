"""Where things are: folders of this checkout, and the embedded server's usual port."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "models"
PLOTS = ROOT / "plots"
RECIPES = ROOT / "config" / "recipes"
SWEEP_CONFIG = ROOT / "config" / "sweep_config.yaml"
SERVER_DATA = ROOT / ".gradsweep" / "server"
SWEEP_LOGS = ROOT / ".gradsweep" / "sweeps"
SERVER_PORT = 8765
