"""A W&B sweep configuration, checked and parsed.

The keys and distributions are those of W&B's documentation, and two of our own at the top level:
``seed`` makes the suggestions of a sweep repeatable, and ``conditions`` says which parameters are
read only where another has certain values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from src.sweep_language.conditions import Condition, parse_conditions
from src.sweep_language.distributions import Parameter
from src.sweep_language.doubts import doubts
from src.sweep_language.early_terminate import Hyperband, parse_early_terminate
from src.sweep_language.errors import Path, SweepFault
from src.sweep_language.metric import Goal, parse_metric
from src.sweep_language.parameters import parse_parameters
from src.sweep_language.reading import check_mapping, one_of, whole_number
from src.sweep_language.scheduler import Engine, parse_scheduler
from src.sweep_language.size import configurations

NEEDED = "method, metric, parameters"
_KEYS = (
    *("method", "parameters", "metric", "early_terminate", "run_cap", "seed", "conditions"),
    # Read by the agent or the dashboard, not by the search.
    *("program", "command", "name", "description", "project", "entity", "controller", "settings"),
    *("apiVersion", "kind", "job", "image_uri", "scheduler"),
)


class Method(StrEnum):
    """How a sweep searches."""

    BAYES = "bayes"
    RANDOM = "random"
    GRID = "grid"
    CUSTOM = "custom"  # an engine's own


_METHODS = [Method.BAYES, Method.RANDOM, Method.GRID]


@dataclass(frozen=True)
class SweepSpec:
    """What a sweep searches and how.

    ``parameters`` maps a path (nested names) to its values. ``program`` is what agents start, and
    ``name`` is what people call the sweep. ``engine`` suggests its runs if the server does not.
    ``doubts`` are what it says but hardly means.
    """

    method: Method
    metric_name: str | None
    goal: Goal
    target: float | None
    run_cap: int | None
    early_terminate: Hyperband | None
    seed: int | None
    parameters: Mapping[Path, Parameter]
    conditions: Mapping[Path, Condition]
    program: str | None
    name: str | None
    engine: Engine | None
    doubts: tuple[SweepFault, ...]

    @property
    def expected_runs(self) -> int | None:
        """How many runs it will have: its ``run_cap``, or all of a grid, or no limit."""
        grid = self.method is Method.GRID
        whole = configurations(self.parameters, self.conditions) if grid else None
        return min((end for end in (whole, self.run_cap) if end is not None), default=None)


def parse_sweep(config: Any) -> SweepSpec:
    """Check a sweep configuration, as read from YAML or JSON.

    Raises:
        SweepFault: With the keys that lead to the first fault, and its cure.
    """
    if not isinstance(config, dict):
        raise SweepFault((), f"a sweep file is a mapping with {NEEDED}")
    check_mapping(config, (), _KEYS)
    engine = parse_scheduler(config)
    # W&B's own engine knows the methods of its server, the others have theirs.
    methods = [Method.CUSTOM] if engine in (Engine.OPTUNA, Engine.AX) else _METHODS
    method = Method(one_of(config, "method", methods, ()))
    metric = parse_metric(config.get("metric"))
    early_terminate = parse_early_terminate(config.get("early_terminate"))
    guided = method in (Method.BAYES, Method.CUSTOM)
    if metric.name is None and (guided or early_terminate is not None):
        reader = f"method: {method}" if guided else "early_terminate"
        fault = f"missing, and {reader} needs it; give metric a name and a goal"
        raise SweepFault(("metric",), fault)
    parameters: dict[Path, Parameter] = {}
    if "parameters" in config or "search_space" not in (config.get("scheduler") or {}):
        parameters = parse_parameters(config.get("parameters"), grid=method is Method.GRID)
    program, name = config.get("program"), config.get("name")
    return SweepSpec(
        method=method,
        metric_name=metric.name,
        goal=metric.goal,
        target=metric.target,
        run_cap=whole_number(config, "run_cap", (), least=1),
        early_terminate=early_terminate,
        seed=whole_number(config, "seed", (), least=0),
        parameters=parameters,
        conditions=parse_conditions(config.get("conditions", {}), parameters),
        program=None if program is None else str(program),
        name=name if isinstance(name, str) else None,
        engine=engine,
        doubts=tuple(doubts(config)),
    )
