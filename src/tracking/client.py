"""What the wandb client of this process is set to: its server, its key, and whether it logs."""

import os
import sys
from typing import Literal, cast

import requests
import wandb
from pydantic import ValidationError

from src.shared.errors import UserError
from src.tracking.wandb_private import key_in_netrc, read_settings

Mode = Literal["online", "offline", "disabled", "shared"]  # of wandb.init

# How long a server that does not answer may hold up the start of a run.
_REACH_TIMEOUT_SECONDS = 5.0


def client_settings() -> wandb.Settings:
    """The client's settings, from its files and the environment as they are now.

    Raises:
        UserError: If a WANDB_... variable has a value that the client does not take.
    """
    try:
        return read_settings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise UserError(
            f"WANDB_{name.upper()}: {first['input']!r} is not allowed ({first['msg']}); "
            "mend or unset that environment variable"
        ) from None
    except wandb.errors.UsageError as error:
        raise UserError(f"{error}; mend or unset that WANDB_... environment variable") from None


def server_url() -> str:
    """The address of the W&B server that the client is set to."""
    return str(client_settings().base_url)


def has_api_key() -> bool:
    """Whether the client has a key for the server it is set to; never asks for one."""
    settings = client_settings()
    if settings.api_key or settings.identity_token_file:
        return True
    return key_in_netrc(settings.base_url) is not None


def server_answers() -> bool:
    """Whether there is a server, and it accepts the API key.

    Raises:
        UserError: If it refuses the key.
    """
    # Asked first: wandb's own check does not tell a server that is away from a wrong key.
    try:
        requests.head(server_url(), timeout=_REACH_TIMEOUT_SECONDS)
    except requests.RequestException:
        return False
    try:
        wandb.login(verify=True)
    except wandb.errors.AuthenticationError:
        raise UserError(
            f"the W&B server at {server_url()} refuses the API key; "
            "mend WANDB_API_KEY or run `wandb login --relogin`"
        ) from None
    return True


def in_sweep() -> bool:
    """Whether an agent of a sweep has started this run."""
    return "WANDB_SWEEP_ID" in os.environ


def choose_mode() -> Mode:
    """How ``wandb.init`` is to log: as WANDB_MODE says, else online if that can be, else offline.

    Raises:
        UserError: If the server refuses the API key.
    """
    if os.environ.get("WANDB_MODE") and (chosen := client_settings().mode):
        return cast(Mode, chosen)
    if not has_api_key():
        print("W&B: no API key, so this run is logged offline, into wandb/", file=sys.stderr)
        return "offline"
    if server_answers():
        return "online"
    print(f"W&B: {server_url()} does not answer; this run is logged offline", file=sys.stderr)
    return "offline"
