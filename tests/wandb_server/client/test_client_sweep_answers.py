"""What the client is told of a sweep, by its command line and its public API: all of it true."""

from collections.abc import Iterator

import pytest
import yaml

from tests.wandb_server.server_harness import Client, ServerProcess

DOUBTFUL = """
program: train.py
method: random
controller: {type: lokal}
parameters:
  lr: {distribution: log_uniform, min: 0.0001, max: 0.1}
  size: {values: [1, 2], probabilities: [0.5, 0.1]}
  decay: {values: [1e-3, 1e-4]}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    server.start()
    yield server
    assert server.end() == 0
    assert server.missing_fields() == []


def test_wandb_sweep_warns_of_what_a_file_hardly_means(
    server: ServerProcess, client: Client
) -> None:
    (client.folder / "sweep.yaml").write_text(DOUBTFUL)
    output = client.run("wandb", "sweep", "sweep.yaml")
    for warning in (
        "parameters.lr.min: log_uniform takes exponents of e, so it is drawn from 1.0001 to",
        "parameters.size.probabilities: sum to 0.6",
        "parameters.decay.values: '1e-3' is a text",
        "controller.type: 'lokal' is unknown",
    ):
        assert warning in output, output
    assert "wandb agent" in output, "it is made all the same"
    sound = yaml.safe_load(DOUBTFUL)
    sound["parameters"] = {"lr": {"min": 0.1, "max": 0.2}}
    del sound["controller"]
    (client.folder / "sweep.yaml").write_text(yaml.safe_dump(sound))
    assert "WARNING" not in client.run("wandb", "sweep", "sweep.yaml")
