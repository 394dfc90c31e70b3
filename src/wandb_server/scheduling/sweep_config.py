"""The YAML text of a sweep, as clients send it, and what the server makes of it."""

import json
from functools import lru_cache

import yaml

from src.shared.yaml_faults import YAML_ERRORS, yaml_fault
from src.sweep_language.errors import SweepFault
from src.sweep_language.grammar import Method, SweepSpec, parse_sweep
from src.sweep_language.metric import Goal
from src.wandb_server.documents import check_nesting
from src.wandb_server.errors import RequestError
from src.wandb_server.store.sweeps import Sweep

MAX_TEXT = 2**20
MAX_VALUES = 100_000  # an alias of YAML may stand for very many


# What is known of a sweep whose text is damaged. It has no run cap that could be used up.
UNREADABLE = SweepSpec(
    method=Method.RANDOM,
    metric_name=None,
    goal=Goal.MINIMIZE,
    target=None,
    run_cap=None,
    early_terminate=None,
    seed=None,
    parameters={},
    conditions={},
    program=None,
    name=None,
    engine=None,
    doubts=(),
)


def stored_spec(sweep: Sweep) -> SweepSpec:
    """The parsed form of a stored sweep, ``UNREADABLE`` if it is damaged.

    It was valid when it was stored. This is for what goes on without it: showing the sweep, ending
    its runs. What needs it, such as choosing the next run, asks :func:`sweep_spec`.
    """
    return _spec_or_unreadable(sweep.config)


@lru_cache(maxsize=256)  # a page asks for each of its runs, and errors are not cached below
def _spec_or_unreadable(config: str) -> SweepSpec:
    try:
        return sweep_spec(config)
    except RequestError:
        return UNREADABLE


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
        json.dumps(value.get("parameters"))
    except SweepFault as error:
        raise RequestError(str(error)) from None
    except (TypeError, ValueError) as error:  # a date, a set, a number of too many digits
        raise RequestError(f"'config' cannot be sent to an agent: {error}") from None
    return spec
