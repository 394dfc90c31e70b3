"""What new rows are stamped with: the time, and names as W&B's runs and sweeps have."""

import secrets
import string

from src.wandb_server.clock import utc_now

_ALPHABET = string.ascii_lowercase + string.digits


def now() -> str:
    """The current time in the form in which times are stored and sent."""
    return utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")


def new_name() -> str:
    """A fresh identifier of eight lowercase letters and digits, as W&B's runs and sweeps have."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))
