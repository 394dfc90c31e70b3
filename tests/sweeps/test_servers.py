"""Which server a sweep runs on, and what is said when it cannot."""

import re
import sys
from pathlib import Path

import pytest
import requests

from tests.checkout import Checkout, copy_checkout

NOBODY = {"WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_API_KEY": "0" * 40}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--server", "cloud"], {}, "no W&B API key; run `wandb login`, or use --server local"),
        ([], NOBODY, "http://127.0.0.1:9 does not answer"),
        (["--resume", "nosuch"], {}, "there is no sweep local/gradsweep/nosuch"),
        (["--server", "moon"], {}, "argument --server: invalid choice: 'moon'"),
    ],
)
def test_what_cannot_work_is_one_line(
    checkout: Checkout, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    code, output = checkout.run(sys.executable, "run_sweep.py", *arguments, **environment)
    assert code == 2, output
    assert "Traceback" not in output
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert message in line


def test_what_a_file_hardly_means_is_said_with_its_line(checkout: Checkout) -> None:
    text = (checkout.root / "config" / "sweeps" / "synthetic_mlp.yaml").read_text()
    (checkout.root / "doubtful.yaml").write_text(f"controller: {{type: lokal}}\n{text}")
    command = [sys.executable, "run_sweep.py", "--config", "doubtful.yaml", "--server", "cloud"]
    _, output = checkout.run(*command)
    assert "doubtful.yaml:1: warning: controller.type: 'lokal' is unknown" in output


def test_a_key_means_the_users_own_server_unless_local_is_asked_for(checkout: Checkout) -> None:
    """The embedded server stands in for the user's: both speak the same protocol."""
    with checkout.server() as environment:
        command = [sys.executable, "run_sweep.py", "--create_only", "--count", "1"]
        code, output = checkout.run(*command, **environment)
        assert code == 0, output
        assert f"Dashboard  {environment['WANDB_BASE_URL']}/local/gradsweep/sweeps/" in output
        assert "wandb agent local/gradsweep/" in output
        code, output = checkout.run(*command, "--seed", "1", **environment)
        assert code == 2
        assert "--seed needs the embedded server" in output


def test_a_server_that_is_running_on_the_data_is_used(checkout: Checkout) -> None:
    with checkout.server() as environment:
        command = [sys.executable, "run_sweep.py", "--create_only", "--seed", "1"]
        code, output = checkout.run(*command, "--server", "local")
        assert code == 0, output
        assert f"export WANDB_BASE_URL={environment['WANDB_BASE_URL']}" in output
        (link,) = re.findall(r"^Dashboard  (\S+)$", output, re.MULTILINE)
        browser = requests.Session()
        assert "/local/gradsweep/sweeps/" in browser.get(link, timeout=30).text
        assert browser.get(environment["WANDB_BASE_URL"], timeout=30).ok, "the link logs in"
    assert not list(Path(checkout.root).rglob("server.json"))
