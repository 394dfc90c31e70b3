"""What is known of the wandb client's settings before a run, and how a run is to be logged."""

import os
from pathlib import Path

import pytest

from src.shared.errors import UserError
from src.tracking.client import (
    choose_mode,
    client_settings,
    has_api_key,
    in_sweep,
    server_answers,
    server_url,
)

KEY = "0" * 40
NOBODY = "http://127.0.0.1:9"  # nothing listens on that port


@pytest.fixture(autouse=True)
def _no_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has never heard of W&B."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_the_server_is_the_one_that_the_environment_names_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is chosen in the course of a process, after its settings have been looked at."""
    for address in ("https://wandb.example", NOBODY):
        monkeypatch.setenv("WANDB_BASE_URL", address)
        assert server_url() == address


def test_a_key_is_found_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not has_api_key()
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    assert has_api_key()


def test_a_key_is_found_where_wandb_login_leaves_it_for_that_server_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine wandb.example login user password {KEY}\n")
    assert not has_api_key()
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example")
    assert has_api_key()


@pytest.mark.parametrize(
    ("name", "value"), [("WANDB_MODE", "sometimes"), ("WANDB_FINISH_TIMEOUT", "soon")]
)
def test_an_odd_setting_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=name) as caught:
        client_settings()
    assert "\n" not in str(caught.value)


def test_without_a_key_a_run_is_offline_and_one_line_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert choose_mode() == "offline"
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "W&B: no API key, so this run is logged offline, into wandb/"


def test_without_its_server_a_run_is_offline_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_BASE_URL", NOBODY)
    assert not server_answers()
    assert choose_mode() == "offline"
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"W&B: {NOBODY} does not answer; this run is logged offline"


@pytest.mark.parametrize("mode", ["offline", "disabled", "online"])
def test_wandb_mode_goes_first_and_nothing_is_said(
    mode: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_MODE", mode)
    assert choose_mode() == mode
    assert capsys.readouterr().err == ""


def test_an_agent_tells_its_runs_that_they_are_of_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not in_sweep()
    monkeypatch.setenv("WANDB_SWEEP_ID", "s1")
    assert in_sweep()
