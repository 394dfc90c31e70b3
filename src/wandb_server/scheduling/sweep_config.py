"""The YAML text of a sweep, as clients send it, and what the server makes of it."""

import json
from functools import lru_cache

import yaml

from src.shared.yaml_faults import YAML_ERRORS, yaml_fault
from src.sweep_language.errors import SweepFault
from src.sweep_language.grammar import SweepSpec, parse_sweep
from src.wandb_server.documents import check_nesting
from src.wandb_server.errors import RequestError

MAX_TEXT = 2**20
MAX_VALUES = 100_000  # an alias of YAML may stand for very many


@lru_cache(maxsize=256)
def sweep_spec(config: str) -> SweepSpec:
    """The parsed form of a sweep's YAML text.

    Raises:
        RequestError: The sweep is not valid; the message says why.
    """
    if len(config) > MAX_TEXT:
        raise RequestError("the sweep configuration is too large")
    try:
        value = yaml.safe_load(config)
    except YAML_ERRORS as error:
        line, fault = yaml_fault(error)
        raise RequestError(f"{fault} (line {line})") from None
    check_nesting(value, "config", MAX_VALUES)
    try:
        spec = parse_sweep(value)
        json.dumps(value["parameters"])
    except SweepFault as error:
        raise RequestError(str(error)) from None
    except (TypeError, ValueError) as error:  # a date, a set, a number of too many digits
        raise RequestError(f"'config' cannot be sent to an agent: {error}") from None
    return spec
