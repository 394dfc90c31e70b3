from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from src.config.run_config import RunConfig
from src.datasets import CATALOGUE, Split, fetch, load_test, load_training
from src.datasets.catalogue import DataSet, Pictures, Reviews
from src.datasets.fetching.cache import cache_folder
from src.datasets.spec import InputSpec
from src.shared.errors import UserError
from tests.datasets.local_sources import CONTENTS, tiny_dataset


def synthetic(**changes: float) -> RunConfig:
    """A run on the synthetic data; not checked, so that what a config refuses can be tried."""
    return RunConfig(dataset="synthetic").model_copy(update=changes)


def pictures(name: str) -> Pictures:
    dataset: DataSet = CATALOGUE[name]
    assert isinstance(dataset, Pictures)
    return dataset


def rows(split: Split) -> set[bytes]:
    """The examples as a set; the synthetic data set holds no two equal ones."""
    return {example.tobytes() for example in split.x}


@pytest.mark.parametrize("val_fraction", [0.1, 0.25, 0.333])
def test_parts_are_disjoint_complete_and_hold_the_classes_in_proportion(
    val_fraction: float,
) -> None:
    data = load_training(synthetic(val_fraction=val_fraction, seed=3))
    total = CATALOGUE["synthetic"].train_size
    assert len(data.validation) == np.ceil(val_fraction * total)
    assert len(rows(data.train)) == len(data.train)
    assert not rows(data.train) & rows(data.validation)
    assert len(data.train) + len(data.validation) == total
    for split in (data.train, data.validation):
        exact = len(split) / data.spec.num_classes
        assert np.abs(np.bincount(split.y) - exact).max() < 1


def test_uneven_classes_keep_their_proportions() -> None:
    y = np.repeat(np.arange(4, dtype=np.int32), (700, 300, 150, 50))
    uneven = Split(np.zeros((1200, 8, 8, 1), np.uint8), y)
    dataset = replace(pictures("synthetic"), decode=lambda half, files: uneven)
    with CATALOGUE.with_entry(dataset):
        data = load_training(synthetic())
    assert np.bincount(data.validation.y).tolist() == [70, 30, 15, 5]


def test_labels_stay_with_their_examples() -> None:
    dataset = pictures("synthetic")
    half = dataset.decode("train", {})
    label_of = {example.tobytes(): label for example, label in zip(half.x, half.y, strict=True)}
    data = load_training(synthetic(val_fraction=0.2, seed=1))
    assert data.spec == dataset.spec
    for split in (data.train, data.validation):
        assert [label_of[example.tobytes()] for example in split.x] == split.y.tolist()


def test_same_seed_same_split_other_seed_other_split_of_the_same_examples() -> None:
    first, again, other = (load_training(synthetic(seed=seed)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.validation.x, again.validation.x)
    np.testing.assert_array_equal(first.train.y, again.train.y)
    assert rows(first.validation) != rows(other.validation)
    assert rows(first.validation) | rows(first.train) == rows(other.validation) | rows(other.train)


def test_training_data_hold_no_test_example() -> None:
    data = load_training(synthetic())
    _, test = load_test(synthetic())
    assert len(test) == CATALOGUE["synthetic"].test_size
    assert not rows(test) & (rows(data.train) | rows(data.validation))


@pytest.mark.parametrize("val_fraction", [0.0, 1.0, -0.1, 0.002, 0.999, float("nan")])
def test_a_fraction_that_cannot_be_stratified_is_the_users_to_mend(val_fraction: float) -> None:
    with pytest.raises(UserError, match="val_fraction"):
        load_training(synthetic(val_fraction=val_fraction))


def test_the_smallest_fractions_that_can_be_stratified_work() -> None:
    few = load_training(synthetic(val_fraction=4 / 1200))
    many = load_training(synthetic(val_fraction=1196 / 1200))
    assert np.bincount(few.validation.y).tolist() == [1] * 4
    assert np.bincount(many.train.y).tolist() == [1] * 4


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"unknown data set 'minst'.*mnist"):
        fetch("minst")


def test_files_come_through_the_same_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADSWEEP_CACHE", str(tmp_path))
    folder = cache_folder(tiny_dataset())
    folder.mkdir(parents=True)
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
    with CATALOGUE.with_entry(tiny_dataset()):
        assert fetch("tiny") == folder
        config = RunConfig(dataset="tiny")
        data = load_training(config)
        spec, test = load_test(config)
    assert (data.name, data.spec) == ("tiny", spec)
    assert (data.train.x.shape, data.validation.y.tolist().count(1)) == ((54, 6, 6, 1), 3)
    assert test.x.tobytes() == CONTENTS["t10k-images-idx3-ubyte"][16:]


def normalised(split: Split, spec: InputSpec) -> np.ndarray:
    return ((split.x / 255 - spec.mean) / spec.std).reshape(len(split), -1)


def test_synthetic_is_learned_in_three_epochs_but_not_by_a_linear_model() -> None:
    data = load_training(synthetic())
    train, validation = normalised(data.train, data.spec), normalised(data.validation, data.spec)
    network = MLPClassifier((128, 128), batch_size=32, random_state=0)  # Adam, 0.001
    for _ in range(3):
        network.partial_fit(train, data.train.y, classes=range(4))
    assert network.score(validation, data.validation.y) > 0.9
    linear = LogisticRegression(max_iter=300).fit(train, data.train.y)
    assert linear.score(validation, data.validation.y) < 0.5


def test_synthetic_catalogue_facts_are_those_of_its_data() -> None:
    dataset = pictures("synthetic")
    train = dataset.decode("train", {})
    assert train.x.shape == (dataset.train_size, *dataset.spec.shape)
    assert train.x.dtype == np.uint8
    assert train.y.dtype == np.int32
    assert np.bincount(train.y).tolist() == [300] * 4
    assert (train.x / 255).mean() == pytest.approx(dataset.spec.mean[0], abs=1e-3)
    assert (train.x / 255).std() == pytest.approx(dataset.spec.std[0], abs=1e-3)


def test_a_data_set_is_of_the_kind_that_its_facts_say() -> None:
    for name, dataset in CATALOGUE.items():
        assert dataset.name == name
        assert isinstance(dataset, Reviews) == (dataset.spec.kind == "reviews")
        if isinstance(dataset, Reviews):
            assert dataset.spec == dataset.spec_for(RunConfig.parse({"dataset": name}))


def channel_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each channel on the 0..1 scale, without the pixels as floats."""
    channels = range(x.shape[-1])
    counts = np.stack([np.bincount(x[..., c].ravel(), minlength=256) for c in channels])
    shares, value = counts / counts.sum(axis=1, keepdims=True), np.arange(256) / 255
    mean = shares @ value
    return mean, np.sqrt(shares @ value**2 - mean**2)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["fashion_mnist", "mnist", "cifar10"])
def test_real_images_match_the_catalogue(name: str) -> None:
    dataset = CATALOGUE[name]
    config = RunConfig.parse({"dataset": name})
    data = load_training(config)
    spec, test = load_test(config)
    validation_size = dataset.train_size // 10
    assert data.train.x.shape == (dataset.train_size - validation_size, *spec.shape)
    assert data.validation.x.shape == (validation_size, *spec.shape)
    assert test.x.shape == (dataset.test_size, *spec.shape)
    assert spec.num_classes == 10

    x = np.concatenate([data.train.x, data.validation.x])
    y = np.concatenate([data.train.y, data.validation.y])
    mean, std = channel_statistics(x)
    assert mean == pytest.approx(spec.mean, abs=1e-8)
    assert std == pytest.approx(spec.std, abs=1e-8)
    counts = np.bincount(y)
    assert counts.max() < {"fashion_mnist": 6_001, "mnist": 6_743, "cifar10": 5_001}[name]
    assert np.abs(np.bincount(data.validation.y) - counts / 10).max() < 1
