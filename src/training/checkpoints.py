"""Checkpoints: the weights of a network and, beside them, everything needed to rebuild it.

``<stem>.weights.h5`` holds the weights; ``<stem>.json`` the RunConfig, the InputSpec and the
epoch's metrics. Loading builds the network with our own code and fills in numbers: it never
executes anything that a file says.
"""

import hashlib
import io
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from src.config.run_config import RunConfig
from src.datasets.spec import InputSpec
from src.model import NeuralNetwork
from src.shared.atomic import replacing
from src.shared.errors import UserError
from src.shared.paths import WEIGHTS_SUFFIX, checkpoint_files
from src.tracking.metrics import EpochMetrics
from src.training.execution import execution_of_predictions

FORMAT_VERSION = 1
PACKAGES = ("tensorflow", "keras", "numpy")


@dataclass(frozen=True)
class CheckpointInfo:
    """The JSON of a checkpoint.

    Attributes:
        format_version: The version of the JSON's format.
        dataset: Name of the data set that it was trained on.
        config: The whole run.
        spec: The examples that the network takes, and its classes.
        metrics: Those of the epoch that the weights are from.
        packages: The versions of the packages that wrote it.
        weights_sha256: The digest of the weights' file.
        previous: While the weights' file is being replaced, what the old one is.
    """

    format_version: int
    dataset: str
    config: RunConfig
    spec: InputSpec
    metrics: EpochMetrics
    packages: dict[str, str]
    weights_sha256: str
    previous: "CheckpointInfo | None" = None


class _WeightsInMemory(io.BytesIO):
    """Takes HDF5, whose library crashes the process when the disk is full, from Keras."""

    def __str__(self) -> str:
        return WEIGHTS_SUFFIX  # Keras looks at how the name ends


def save(stem: Path, network: NeuralNetwork, metrics: EpochMetrics) -> None:
    """Write a checkpoint, over an earlier one of the same stem if there is one.

    A crash at any moment leaves the earlier or the new checkpoint loadable: each file is replaced
    in one go, and until both are, the JSON describes the earlier weights as well.

    Raises:
        UserError: If they cannot be written, the disk being full, say.
    """
    weights, info_file = checkpoint_files(stem)
    weights.parent.mkdir(parents=True, exist_ok=True)
    content = _WeightsInMemory()
    network.model.save_weights(content)
    with replacing(weights) as new_weights:
        new_weights.write_bytes(content.getbuffer())
        info = CheckpointInfo(
            format_version=FORMAT_VERSION,
            dataset=network.config.dataset,
            config=network.config,
            spec=network.spec,
            metrics=metrics,
            packages={package: version(package) for package in PACKAGES},
            weights_sha256=_sha256(content.getbuffer()),
        )
        if previous := _readable(weights, info_file):
            _write(info_file, replace(info, previous=previous))
    _write(info_file, info)


def load(path: Path) -> tuple[NeuralNetwork, CheckpointInfo]:
    """Rebuild a network.

    Args:
        path: The checkpoint's stem, its ``.json`` or its ``.weights.h5``.

    Raises:
        UserError: If a file is missing, damaged, of another format, or the two do not belong
            together.
    """
    weights, info_file = checkpoint_files(path)
    for file in (weights, info_file):
        if not file.is_file():
            raise UserError(f"no checkpoint file {file}; name the stem of a model in models/")
    info = _read(weights, info_file)
    network = NeuralNetwork(info.config, info.spec, execution_of_predictions(info.config))
    try:
        network.model.load_weights(weights)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{weights} does not fit its network ({reason}); train it again") from None
    return network, info


def _read(weights: Path, info_file: Path) -> CheckpointInfo:
    """The description of these very weights."""
    info = _parse(info_file)
    if info.format_version != FORMAT_VERSION:
        raise UserError(
            f"{info_file} has format {info.format_version}, this version reads {FORMAT_VERSION}; "
            "use the version of Gradsweep that wrote it"
        )
    digest = _sha256(_bytes(weights))
    for candidate in (info, info.previous):
        if candidate and candidate.weights_sha256 == digest:
            return replace(candidate, previous=None)
    raise UserError(
        f"{weights.name} is damaged or not the file that {info_file} describes; copy both again"
    )


def _schema() -> TypeAdapter[CheckpointInfo]:
    # Made when used: a RunConfig may have got more fields since this module was imported.
    return TypeAdapter(CheckpointInfo)


def _parse(info_file: Path) -> CheckpointInfo:
    text = _bytes(info_file)
    try:
        return _schema().validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
    except UserError as error:  # hyperparameters that make no sense together
        reason = f"config: {error}"
    raise UserError(
        f"{info_file} does not describe a checkpoint ({reason}); copy or train the model again"
    )


def _readable(weights: Path, info_file: Path) -> CheckpointInfo | None:
    """As :func:`_read`, or None: what cannot be loaded now need not be kept loadable."""
    try:
        return _read(weights, info_file)
    except UserError:
        return None


def _write(file: Path, info: CheckpointInfo) -> None:
    with replacing(file) as new:
        new.write_bytes(_schema().dump_json(info, indent=2, exclude_none=True))


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(
            f"{file} cannot be read ({error.strerror}); mend that or train the run again"
        ) from None


def _sha256(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()
