"""The facts about each data set: what it is, whose it is, where it comes from, how to know it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from src.datasets import synthetic
from src.datasets.idx import decode_idx_images
from src.datasets.sources import HttpFiles, RawFile, Source, Wheel
from src.datasets.spec import Half, InputSpec, Split
from src.errors import UserError


@dataclass(frozen=True)
class DataSet:
    """One entry of the catalogue.

    Attributes:
        name: as ``--dataset`` takes it.
        title: as people write it.
        licence: of the data, and whom to cite.
        spec: shape, classes and pixel statistics.
        train_size: examples in the training half.
        test_size: examples in the test half.
        files: the raw files, none if the data set is made in memory.
        sources: where to get them, in the order in which they are tried.
        decode: makes a half out of the files' content by name.
    """

    name: str
    title: str
    licence: str
    spec: InputSpec
    train_size: int
    test_size: int
    files: tuple[RawFile, ...]
    sources: tuple[Source, ...]
    decode: Callable[[Half, Mapping[str, bytes]], Split]


def get_dataset(name: str) -> DataSet:
    """The entry called ``name``.

    Raises:
        UserError: if there is none.
    """
    try:
        return CATALOGUE[name]
    except KeyError:
        known = ", ".join(CATALOGUE)
        raise UserError(f"unknown data set {name!r}; choose one of {known}") from None


def _mnist_files(*sha256: str) -> tuple[RawFile, ...]:
    """The four files that MNIST and its look-alikes consist of, in the order of their hashes."""
    names_and_sizes = (
        ("train-images-idx3-ubyte", 16 + 60_000 * 28 * 28),
        ("train-labels-idx1-ubyte", 8 + 60_000),
        ("t10k-images-idx3-ubyte", 16 + 10_000 * 28 * 28),
        ("t10k-labels-idx1-ubyte", 8 + 10_000),
    )
    return tuple(
        RawFile(name, hash_, size)
        for (name, size), hash_ in zip(names_and_sizes, sha256, strict=True)
    )


def _lucidmode(folder: str) -> Wheel:
    """A wheel with the official .gz files of both MNISTs, for machines that see only packages."""
    return Wheel(
        package="lucidmode",
        version="0.4.3.10",
        sha256="c8ed2639d4fd58f720193d3f490e8b3cc746901a3d79e83fcbaa378da663d839",
        size=44_684_653,
        folder=f"lucidmode/datasets/images/{folder}",
    )


_FASHION_MNIST = DataSet(
    name="fashion_mnist",
    title="Fashion-MNIST",
    licence="MIT (Xiao, Rasul and Vollgraf 2017)",
    spec=InputSpec(
        shape=(28, 28, 1),
        class_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        mean=(0.28604060,),
        std=(0.35302424,),
    ),
    train_size=60_000,
    test_size=10_000,
    files=_mnist_files(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    sources=(
        HttpFiles("https://storage.googleapis.com/tensorflow/tf-keras-datasets/"),
        _lucidmode("fashion-mnist"),
    ),
    decode=decode_idx_images,
)

_MNIST = DataSet(
    name="mnist",
    title="MNIST",
    licence="CC BY-SA 3.0 (LeCun, Cortes and Burges 1998)",
    spec=InputSpec(
        shape=(28, 28, 1),
        class_names=tuple("0123456789"),
        mean=(0.13066048,),
        std=(0.30810780,),
    ),
    train_size=60_000,
    test_size=10_000,
    files=_mnist_files(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    sources=(
        HttpFiles("https://storage.googleapis.com/cvdf-datasets/mnist/"),
        _lucidmode("digits-mnist"),
    ),
    decode=decode_idx_images,
)

_SYNTHETIC = DataSet(
    name="synthetic",
    title="Noisy stripes",
    licence="Apache-2.0 (made in memory)",
    spec=InputSpec(
        shape=(synthetic.SIDE, synthetic.SIDE, 1),
        class_names=synthetic.CLASS_NAMES,
        mean=(0.50322631,),
        std=(0.24341923,),
    ),
    train_size=synthetic.SIZES["train"],
    test_size=synthetic.SIZES["test"],
    files=(),
    sources=(),
    decode=synthetic.generate,
)

CATALOGUE: dict[str, DataSet] = {
    dataset.name: dataset for dataset in (_FASHION_MNIST, _MNIST, _SYNTHETIC)
}
