"""The checks of a sweep file: every fault is named with its line, before anything starts.

What every sweep must be, the grammar says. What only this program knows is here: the metrics that
it logs, the hyperparameters that it has and the values that they take.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from src.config.fields import kind
from src.config.run_config import DECIDES_DEFAULTS, RunConfig
from src.config.yaml_with_lines import YamlWithLines
from src.sweep_language.distributions import Choice, Numeric, Parameter
from src.sweep_language.errors import SweepFault
from src.sweep_language.grammar import NEEDED, SweepSpec, parse_sweep
from src.sweep_language.metric import usual_goal
from src.sweep_language.reading import hint
from src.sweeps.combinations import fault_between
from src.tracking.metrics import METRIC_NAMES

PROGRAM = "src/train.py"

_NOT_SWEPT = ("no_wandb", "run_name")  # a sweep's runs are tracked, and named by the server


class Checker(YamlWithLines):
    """A sweep file, to be checked.

    Attributes:
        warnings: What it says but hardly means, as ``FILE:LINE: warning: fault; cure``.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "sweep file", NEEDED)
        self.warnings: tuple[str, ...] = ()

    def check(self) -> dict[str, Any]:
        """The sweep's configuration, if it can work.

        Raises:
            UserError: ``FILE:LINE: fault; cure`` for the first thing that cannot.
        """
        self._refuse_keys_given_twice(self._root, set())
        config = self._value(self._root)
        try:
            json.dumps(config)
        except (TypeError, ValueError, RecursionError) as error:
            self._fail(self._root, f"what it says cannot be sent to a server: {error}")
        try:
            spec = parse_sweep(config)
            self._check_for_program(config, spec)
        except SweepFault as fault:
            self._fail(*self._placed(fault))
        self._check_together({name: one for (name,), one in spec.parameters.items()})
        placed = map(self._placed, spec.doubts)
        self.warnings = tuple(self._told(node, f"warning: {doubt}") for node, doubt in placed)
        return {"program": PROGRAM, **config}

    def _placed(self, fault: SweepFault) -> tuple[yaml.Node, str]:
        """What in the file a fault is about, and what to say of it."""
        keys = fault.path if fault.key is None else (*fault.path, fault.key)
        return self._find(*keys)[0], str(fault).removeprefix("parameters.")

    def _check_for_program(self, config: Mapping[str, Any], spec: SweepSpec) -> None:
        if config.get("program", PROGRAM) != PROGRAM:
            raise SweepFault(("program",), f"must be {PROGRAM}, which trains the runs")
        if spec.engine is not None:
            fault = "is one that run_sweep.py does not start; leave it out, or use wandb sweep"
            raise SweepFault(("scheduler",), fault)
        _check_metric(spec)
        for names, parameter in spec.parameters.items():
            _check_names(names)
            (name,) = names
            if isinstance(parameter, Choice):
                self._check_choice(name, config["parameters"][name])
            else:
                self._check_range(name, config["parameters"][name], parameter)

    def _check_choice(self, name: str, entry: Mapping[str, Any]) -> None:
        where = ("parameters", name)
        if "value" in entry:
            self._check_value(name, self._find(*where, "value")[1])
        for place in range(len(entry.get("values", ()))):
            self._check_value(name, self._find(*where, "values", place)[1])

    def _check_range(self, name: str, entry: Mapping[str, Any], parameter: Numeric) -> None:
        where = ("parameters", name)
        plain = kind(RunConfig.model_fields[name])
        if plain not in (int, float):
            raise SweepFault(where, "is not a number; give its values")
        if plain is int:
            _check_whole(where, parameter)
        keys = ("min", "max") if "min" in entry else ("mu", "mu")
        if entry.get("distribution") == "inv_log_uniform":  # of exponents that are negated
            keys = ("max", "min")
        for key, value in zip(keys, parameter.representatives(), strict=False):
            self._check_value(name, self._find(*where, key)[0], value)

    def _check_together(self, parameters: Mapping[str, Parameter]) -> None:
        """Every run must be one that RunConfig takes, whatever the search chooses."""
        if fault := fault_between(parameters):
            culprit = next(n for n in (*fault.fields, *DECIDES_DEFAULTS) if n in parameters)
            self._fail(self._find("parameters", culprit)[0], str(fault).removeprefix("--"))

    def _refuse_keys_given_twice(self, node: yaml.Node, seen: set[int]) -> None:
        """YAML would take the last one."""
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            return
        seen.add(id(node))  # an alias is the same node
        inner = node.value
        if isinstance(node, yaml.MappingNode):
            given: set[str] = set()
            for key, _ in node.value:
                if str(key.value) in given:
                    self._fail(key, f"{key.value} is given twice")
                given.add(str(key.value))
            inner = [value for _, value in node.value]
        for one in inner:
            self._refuse_keys_given_twice(one, seen)

    def _find(self, *keys: str | int) -> tuple[yaml.Node, yaml.Node]:
        """What keys lead to, or the last there is on the way.

        Returns:
            The node that names it, and that of its value.
        """
        name: yaml.Node = self._root
        value: yaml.Node = self._root
        for key in keys:
            if isinstance(value, yaml.MappingNode):
                entries = {str(one.value): (one, inner) for one, inner in value.value}
            elif isinstance(value, yaml.SequenceNode):
                entries = {str(place): (item, item) for place, item in enumerate(value.value)}
            else:
                entries = {}
            if str(key) not in entries:
                break
            name, value = entries[str(key)]
        return name, value


def _check_metric(spec: SweepSpec) -> None:
    name, goal = spec.metric_name, spec.goal
    if name is None:
        raise SweepFault(("metric",), "missing; give it a name and a goal, to tell the best run by")
    if name not in METRIC_NAMES:
        fault = f"{name!r} is not what {PROGRAM} logs{hint(name, METRIC_NAMES)}"
        raise SweepFault(("metric", "name"), fault)
    if goal is not (better := usual_goal(name) or goal):
        fault = f"{goal} looks for the worst {name}; write {better}"
        raise SweepFault(("metric", "goal"), fault)


def _check_names(names: tuple[str, ...]) -> None:
    where = ("parameters", names[0])
    if len(names) > 1:
        raise SweepFault(where, f"{PROGRAM} has no nested parameters; write them side by side")
    if names[0] in _NOT_SWEPT:
        raise SweepFault(where, "cannot be swept; the server tracks a sweep's runs and names them")
    if names[0] not in RunConfig.model_fields:
        known = [name for name in RunConfig.model_fields if name not in _NOT_SWEPT]
        fault = f"{PROGRAM} has no such hyperparameter{hint(names[0], known)}"
        raise SweepFault(where, fault)


def _check_whole(where: tuple[str, ...], parameter: Numeric) -> None:
    if parameter.q is None:
        raise SweepFault(where, "is a whole number; use int_uniform, q_uniform or values")
    if parameter.q % 1:  # its values are multiples of this, wherever the range ends
        raise SweepFault((*where, "q"), f"{parameter.q} is not a whole number; it must be one")
