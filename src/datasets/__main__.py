"""The data sets: ``python -m src.datasets [[fetch|show] NAME ...]`` lists, fetches, shows."""

from pathlib import Path

from src.datasets.catalogue import CATALOGUE, DataSet, Reviews
from src.datasets.fetching.cache import cache_folder, cached_files
from src.datasets.loading import fetch
from src.shared.command import Parser, run_command
from src.shared.errors import UserError
from src.shared.paths import PLOTS


def main() -> None:
    """Run the command.

    Raises:
        UserError: For an unknown data set, if one cannot be fetched, or if its figure cannot be
            written.
    """
    parser = Parser(
        prog="python -m src.datasets",
        usage="%(prog)s [[fetch | show] NAME ...] [--output_dir FOLDER]",
        description="List the data sets and what is cached; fetch some by name; or show what is in "
        "them: classes, values or lengths, duplicates, and a figure.",
        epilog="The cache is the user's cache folder; GRADSWEEP_CACHE names another.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(CATALOGUE)}")
    parser.add_argument(
        "--output_dir",
        type=Path,
        metavar="FOLDER",
        default=PLOTS,
        help="where show draws its figures [%(default)s]",
    )
    options = parser.parse_args()
    command, names = "fetch", options.names
    if names[:1] in (["fetch"], ["show"]):
        command, *names = names
        if not names:
            raise UserError(f"{command} needs a name; choose from {', '.join(CATALOGUE)}")
    if not names:
        _list()
    for dataset in [CATALOGUE.find(name) for name in names]:
        if command == "fetch":
            _fetch(dataset)
        else:
            # Here because what draws takes seconds to import.
            from src.datasets.show import show

            show(dataset, options.output_dir)


def _list() -> None:
    header = ("name", "title", "train", "test", "shape", "classes", "cached", "licence")
    rows = [header, *map(_row, CATALOGUE.values())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())
    for dataset in CATALOGUE.values():
        if dataset.files:
            print(f"{dataset.title}: {cache_folder(dataset)}")


def _row(dataset: DataSet) -> tuple[str, ...]:
    return (
        dataset.name,
        dataset.title,
        f"{dataset.train_size:,}",
        f"{dataset.test_size:,}",
        "text" if isinstance(dataset, Reviews) else "x".join(map(str, dataset.spec.shape)),
        str(dataset.spec.num_classes),
        _cached(dataset),
        dataset.licence,
    )


def _cached(dataset: DataSet) -> str:
    whole = cached_files(dataset)
    size = f"{sum(file.size for file in dataset.files) / 1e6:.0f} MB"
    if not dataset.files:
        return "needs none"
    if len(whole) < len(dataset.files):
        return f"{len(whole)} of {len(dataset.files)} files" if whole else "no"
    return f"yes, {size}"


def _fetch(dataset: DataSet) -> None:
    if dataset.files:
        print(f"{dataset.title} is in {fetch(dataset.name)}")
    else:
        print(f"{dataset.title} is made in memory: there is nothing to fetch")


if __name__ == "__main__":
    run_command(main)
