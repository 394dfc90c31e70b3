"""Where things are: the folders of this checkout, the files of a model."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
PLOTS = ROOT / "plots"
RECIPES = ROOT / "config" / "recipes"
SWEEP_CONFIG = ROOT / "config" / "sweep_config.yaml"
SERVER_DATA = ROOT / ".gradsweep" / "server"
SWEEP_LOGS = ROOT / ".gradsweep" / "sweeps"
LOGS = ROOT / ".gradsweep" / "logs"  # of programs that lost their terminal

WEIGHTS_SUFFIX = ".weights.h5"  # Keras insists on it
_INFO_SUFFIX = ".json"


def checkpoint_files(path: Path) -> tuple[Path, Path]:
    """The weights' file and the JSON of a checkpoint, named by its stem or by either of them."""
    stem = str(path).removesuffix(_INFO_SUFFIX).removesuffix(WEIGHTS_SUFFIX)
    return Path(stem + WEIGHTS_SUFFIX), Path(stem + _INFO_SUFFIX)
