"""A sweep at its server: what goes wrong there is one line, and a model is whole or not there."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb

from src.shared.errors import UserError
from src.sweeps.definition import SweepDefinition
from src.sweeps.summary import keep_model
from src.sweeps.sweep import Sweep, server_faults
from tests.checkout import Checkout, api, copy_checkout
from tests.wandb_server.server_harness import ServerProcess

DEFINITION = SweepDefinition(
    {
        "method": "random",
        "metric": {"name": "val_accuracy", "goal": "maximize"},
        "parameters": {"epochs": {"values": [1, 2]}},
    }
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def client(checkout: Checkout) -> Iterator[wandb.Api]:
    with checkout.server() as environment:
        yield api(environment)


ASK: dict[str, Callable[[Sweep], Any]] = {
    "its page": lambda sweep: sweep.url,
    "its runs": Sweep.runs,
    "its end": Sweep.is_over,
    "to go on": lambda sweep: sweep.reopen(5),
}


@pytest.mark.parametrize("what", ASK)
def test_a_server_that_is_gone_is_one_line_that_says_how_to_go_on(
    gone: wandb.Api, what: str
) -> None:
    sweep = Sweep(gone, "local/elsewhere/s", DEFINITION)
    with pytest.raises(UserError) as raised, server_faults(sweep, "http://here"):
        ASK[what](sweep)
    message = str(raised.value)
    assert message.startswith("the W&B server at http://here has failed (")
    assert message.endswith("go on with python run_sweep.py --resume local/elsewhere/s")
    assert "\n" not in message


@pytest.mark.parametrize("what", ASK)
def test_a_sweep_whose_project_is_deleted_is_one_line(client: wandb.Api, what: str) -> None:
    sweep = Sweep(client, "local/deleted/s", DEFINITION)
    with pytest.raises(UserError) as raised, server_faults(sweep, "http://here"):
        ASK[what](sweep)
    message = str(raised.value)
    assert message.startswith("the sweep local/deleted/s is not at its W&B server any more; ")
    assert "\n" not in message


def test_a_server_that_fails_before_a_sweep_is_found_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("src.sweeps.sweep._TIMEOUT_SECONDS", 1)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    with pytest.raises(UserError, match=r"has failed .* --resume s$"):
        Sweep.find("s")


@pytest.fixture(scope="module")
def gone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[wandb.Api]:
    """A client whose server has answered once."""
    server = ServerProcess(tmp_path_factory.mktemp("data"))
    server.start()
    overrides = {"base_url": server.url, "entity": "local"}
    client = wandb.Api(overrides=overrides, api_key=server.key, timeout=1)
    server.end()
    yield client
    wandb.teardown()


def write(folder: Path, *suffixes: str) -> None:
    folder.mkdir(exist_ok=True)
    for suffix in suffixes:
        (folder / f"best_model_r{suffix}").write_text(suffix)


def test_a_model_is_kept_whole(client: wandb.Api, tmp_path: Path) -> None:
    sweep = Sweep(client, "local/gradsweep/nosuch", DEFINITION)
    write(tmp_path / "runs", ".json", ".weights.h5")
    (tmp_path / "models").mkdir()
    stem = keep_model(sweep, "r", tmp_path / "runs", tmp_path / "models")
    assert stem == tmp_path / "models" / "best_model_r"
    kept = {file.name: file.read_text() for file in (tmp_path / "models").iterdir()}
    assert kept == {"best_model_r.json": ".json", "best_model_r.weights.h5": ".weights.h5"}
    with pytest.raises(UserError, match=r"best_model_r.weights.h5 cannot be written"):
        keep_model(sweep, "r", tmp_path / "runs", tmp_path / "nowhere")


@pytest.mark.parametrize("suffix", [".json", ".weights.h5"])
def test_half_a_model_is_none(client: wandb.Api, tmp_path: Path, suffix: str) -> None:
    sweep = Sweep(client, "local/gradsweep/nosuch", DEFINITION)
    write(tmp_path / "runs", suffix)
    with pytest.raises(UserError, match="r, was on another machine and left no model"):
        keep_model(sweep, "r", tmp_path / "runs", tmp_path)
