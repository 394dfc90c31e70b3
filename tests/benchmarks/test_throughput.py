"""The driver, its processes and the TensorFlow ways, on a small model."""

from dataclasses import replace

import pytest

from benchmarks.problems import FAMILIES
from benchmarks.throughput import main, measure
from benchmarks.throughput_table import STEP_TOLERANCES
from benchmarks.ways import Processes
from benchmarks.worker import WayFailedError, Worker
from src.shared.errors import UserError

TENSORFLOW_WAYS = ["keras", "tf_loop", "gradsweep"]


@pytest.mark.parametrize(
    "arguments",
    [["--rounds", "0"], ["--families", "gan"], ["--ways", "keras", "caffe"]],
    ids=["rounds", "families", "ways"],
)
def test_bad_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(UserError, match=arguments[0]):
        main(arguments)


@pytest.mark.slow
def test_ways_in_processes_of_their_own_compute_the_same() -> None:
    mlp = FAMILIES["mlp"].resized(200)
    problem = replace(mlp, config=mlp.config.model_copy(update={"hidden_size": 16}))
    with Processes() as processes:
        rows = measure(processes, problem, "float32", TENSORFLOW_WAYS, rounds=2, check=True)
    expected = rows["keras"]["first_losses"]
    assert expected[-1] < expected[0]
    for row in rows.values():
        assert len(row["seconds"]) == 2
        assert min(row["seconds"]) > 0
        assert row["memory"] > 2**20
        assert row["first_losses"] == pytest.approx(expected, rel=STEP_TOLERANCES["mlp"])


@pytest.mark.slow
def test_what_a_process_cannot_do_is_told_and_it_goes_on() -> None:
    with Worker("gradsweep_peer") as worker:
        with pytest.raises(WayFailedError, match="unknown request 'dance'"):
            worker.ask(do="dance")
        assert "TensorFlow" in worker.ask(do="versions")["versions"]


def test_a_process_that_dies_is_told_with_its_last_words() -> None:
    with Worker("no_such_peer") as worker, pytest.raises(WayFailedError, match="no_such_peer"):
        worker.ask(do="versions")
    assert not worker.alive
