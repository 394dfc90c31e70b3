"""Report how a trained model does on a test set: `python -m src.evaluate --model_path models/...`.

Also `python src/evaluate.py`, or `python evaluate.py` in src/.
"""

import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__" and not __package__:
    # Run as a script: src/ itself must not be searched, its modules have the names of packages.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from src.config.fields import choices
from src.config.readers import ignored
from src.config.run_config import RunConfig
from src.shared.command import Parser, run_command
from src.shared.errors import UserError
from src.shared.hangup import Hangup
from src.shared.paths import PLOTS, checkpoint_files

if TYPE_CHECKING:
    from src.datasets.spec import InputSpec


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation.

    Attributes:
        metrics: ``accuracy``, ``loss`` (the one that the model was trained on, without its L2
            penalty), ``macro_precision``, ``macro_recall`` and ``macro_f1`` on the test set; the
            last three are means over the classes that occur in it or are predicted.
        folder: Where the report is.
        files: What is in it, ``report.html`` first.
    """

    metrics: dict[str, float]
    folder: Path
    files: tuple[Path, ...]


def evaluate_checkpoint(
    model_path: Path, dataset: str | None = None, output_dir: Path = PLOTS
) -> Evaluation:
    """Evaluate a model on a test set and write its report.

    Args:
        model_path: ``models/best_model_<run id>``, with or without one of its two suffixes.
        dataset: Name of the data set; None is the one that the model was trained on.
        output_dir: Where the report's folder ``best_model_<run id>_<dataset>`` goes; an earlier
            report there is replaced.

    Raises:
        UserError: If the model or the data cannot be had, do not fit each other, or the report
            cannot be written.
    """
    # Imported here: TensorFlow takes seconds that --help and a mistyped flag need not wait for.
    from src.training.tensorflow import start_tensorflow

    start_tensorflow()
    from src import datasets
    from src.datasets.catalogue import CATALOGUE
    from src.reporting import report, tables
    from src.training import checkpoints

    network, checkpoint = checkpoints.load(model_path)
    config = checkpoint.config
    name = dataset or config.dataset
    # Before the data are fetched, which may take long.
    _check_fit(checkpoint.spec, config.dataset, CATALOGUE.find(name).spec_for(config), name)
    data = config.model_copy(update={"dataset": name})
    spec, test = datasets.load_test(data)

    probabilities = network.predict(test.x)
    predicted = probabilities.argmax(axis=1)
    classes = tables.classification_table(test.y, predicted, spec.class_names)
    predictions = tables.predictions_table(test.y, probabilities, spec.class_names)
    samples = tables.choose_samples(predictions)
    shown = test.x[samples["index"].to_numpy()]
    metrics = {
        "accuracy": float((predicted == test.y).mean()),
        "loss": network.evaluate(test.x, test.y)[0],
        **tables.macro_scores(test.y, predicted),
    }
    results = report.Results(
        model=checkpoint_files(model_path)[1].stem,
        dataset=name,
        config=_shown(config),
        validation={
            "epoch": checkpoint.metrics.epoch,
            "val_loss": checkpoint.metrics.val_loss,
            "val_accuracy": checkpoint.metrics.val_accuracy,
        },
        metrics=metrics,
        classes=classes,
        confusion=tables.confusion_table(test.y, predicted, spec.class_names),
        predictions=predictions,
        samples=samples,
        images=shown if spec.kind == "pictures" else None,
        reviews=datasets.decode_reviews(data, shown) if spec.kind == "reviews" else (),
    )
    folder = output_dir / f"{results.model}_{name}"
    try:
        files = report.write_report(results, folder)
    except OSError as error:
        raise UserError(
            f"cannot write the report {folder}: {error.strerror}; choose another --output_dir"
        ) from None
    return Evaluation(metrics, folder, files)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    Hangup("evaluate", signal.default_int_handler)
    print(f"Evaluating {options.model_path}", flush=True)
    try:
        evaluation = evaluate_checkpoint(options.model_path, options.dataset, options.output_dir)
    except KeyboardInterrupt:
        given = shlex.join(sys.argv[1:] if arguments is None else arguments)
        print(f"Again with  python -m src.evaluate {given}", flush=True)
        raise
    for name, value in evaluation.metrics.items():
        print(f"  {name.replace('_', ' '):<16}{value:.4f}")
    print(f"Report: {evaluation.files[0]}")
    others = ", ".join(file.name for file in evaluation.files[1:])
    print(f"Beside it: {others}")


def _parse(arguments: Sequence[str] | None) -> Any:
    parser = Parser(description="Evaluate a trained model on a test set and write a report.")
    parser.add_argument(
        "--model_path",
        type=Path,
        required=True,
        help="the model: models/best_model_<run id>, with or without .json or .weights.h5",
    )
    parser.add_argument(
        "--dataset",
        choices=choices(RunConfig.model_fields["dataset"]),
        help="data set whose test set is used [the one that the model was trained on]",
    )
    parser.add_argument(
        "--output_dir",
        type=Path,
        default=PLOTS,
        help="folder in which best_model_<run id>_<dataset>/ is made [%(default)s]",
    )
    return parser.parse_args(arguments)


def _check_fit(trained: "InputSpec", trained_on: str, spec: "InputSpec", name: str) -> None:
    if trained.kind != spec.kind:
        raise UserError(
            f"the model takes {trained.kind}, {name} has {spec.kind}; "
            f"evaluate it on --dataset {trained_on}"
        )
    if trained.kind == "reviews" and trained_on != name:
        raise UserError(
            f"the model knows the words of {trained_on}, {name} has others; "
            f"evaluate it on --dataset {trained_on}"
        )
    if trained.shape != spec.shape:
        raise UserError(
            f"the model takes examples of shape {trained.shape}, {name} has {spec.shape}; "
            f"evaluate it on --dataset {trained_on}"
        )
    if trained.class_names != spec.class_names:
        raise UserError(
            f"the model tells the classes of {trained_on} apart, {name} has others "
            f"({', '.join(spec.class_names[:3])}...); evaluate it on --dataset {trained_on}"
        )


def _shown(config: RunConfig) -> dict[str, Any]:
    """The hyperparameters that this run has read."""
    unread = ignored(config.optimizer, config.lr_schedule) | {"no_wandb", "run_name"}
    return config.model_dump(mode="json", exclude=unread)


if __name__ == "__main__":
    run_command(main)
