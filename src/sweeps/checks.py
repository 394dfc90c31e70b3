"""The checks of a sweep file: every fault is named with its line, before anything starts."""

import difflib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from src.config.fields import kind
from src.config.run_config import RunConfig
from src.config.yaml_with_lines import YamlWithLines, is_number
from src.sweeps.combinations import fault_between
from src.tracking.metrics import METRIC_NAMES

PROGRAM = "src/train.py"

_KEYS = {
    "sweep": (
        *("program", "name", "description", "project", "entity", "command", "method", "metric"),
        *("parameters", "early_terminate", "run_cap", "seed", "conditions"),
    ),
    "metric": ("name", "goal", "target"),
    "early_terminate": ("type", "min_iter", "max_iter", "s", "eta", "strict"),
}
# The keys that each distribution needs; `distribution` itself may be left out for the first four.
_DISTRIBUTIONS = {
    "constant": ("value",),
    "categorical": ("values",),
    "int_uniform": ("min", "max"),
    "uniform": ("min", "max"),
    "categorical_w_probabilities": ("values", "probabilities"),
    "q_uniform": ("min", "max", "q"),
    "log_uniform": ("min", "max"),
    "log_uniform_values": ("min", "max"),
    "q_log_uniform": ("min", "max", "q"),
    "q_log_uniform_values": ("min", "max", "q"),
    "inv_log_uniform": ("min", "max"),
    "inv_log_uniform_values": ("min", "max"),
    "normal": ("mu", "sigma"),
    "q_normal": ("mu", "sigma", "q"),
    "log_normal": ("mu", "sigma"),
    "q_log_normal": ("mu", "sigma", "q"),
    "beta": ("a", "b"),
    "q_beta": ("a", "b", "q"),
}
_OPTIONAL = ("q", "probabilities")
# `min` and `max` of these are exponents of e.
_EXPONENTS = {"log_uniform": 1, "q_log_uniform": 1, "inv_log_uniform": -1}
_NOT_SWEPT = ("no_wandb", "run_name")  # a sweep's runs are tracked, and named by the server
_WHOLE = ("constant", "categorical", "categorical_w_probabilities", "int_uniform")


class Checker(YamlWithLines):
    """A sweep file, walked through to check it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "sweep file", "method, metric, parameters")

    def check(self) -> dict[str, Any]:
        """The sweep's configuration, if it can work.

        Raises:
            UserError: ``FILE:LINE: fault; cure`` for the first thing that cannot.
        """
        sweep = self._mapping(self._root, "the sweep file", _KEYS["sweep"])
        for required in ("method", "metric", "parameters"):
            if required not in sweep:
                self._fail(self._root, f"the key {required} is missing")
        if "program" in sweep and self._value(sweep["program"]) != PROGRAM:
            self._fail(sweep["program"], f"program must be {PROGRAM}, which trains the runs")
        method = self._one_of(sweep["method"], "method", ("bayes", "random", "grid"))
        self._check_metric(sweep["metric"])
        if "early_terminate" in sweep:
            self._check_early_terminate(sweep["early_terminate"])
        for key in ("run_cap", "seed"):
            if key in sweep:
                self._whole_number(sweep[key], key, least=1 if key == "run_cap" else 0)
        parameters = self._mapping(sweep["parameters"], "parameters", None)
        for name, node in parameters.items():
            self._check_parameter(name, node, method)
        self._check_together(sweep["parameters"], parameters)
        config = {"program": PROGRAM, **self._value(self._root)}
        try:
            json.dumps(config)
        except (TypeError, ValueError) as error:
            self._fail(self._root, f"what it says cannot be sent to a server: {error}")
        return config

    def _check_metric(self, node: yaml.Node) -> None:
        metric = self._mapping(node, "metric", _KEYS["metric"])
        if "name" not in metric:
            self._fail(node, "metric needs a name")
        name = self._one_of(metric["name"], "metric name", METRIC_NAMES)
        goal = "minimize"  # W&B's default
        if "goal" in metric:
            goal = self._one_of(metric["goal"], "goal", ("maximize", "minimize"))
        for ending, better in (("accuracy", "maximize"), ("loss", "minimize")):
            if name.endswith(ending) and goal != better:
                self._fail(node, f"goal {goal} looks for the worst {name}; write goal: {better}")

    def _check_early_terminate(self, node: yaml.Node) -> None:
        rule = self._mapping(node, "early_terminate", _KEYS["early_terminate"])
        if "type" not in rule:
            self._fail(node, "early_terminate needs type: hyperband")
        self._one_of(rule["type"], "type", ("hyperband",))
        if ("min_iter" in rule) == ("max_iter" in rule):
            self._fail(node, "hyperband needs either min_iter or max_iter (with s), in epochs")
        if ("max_iter" in rule) != ("s" in rule):
            self._fail(node, "max_iter and s go together: s is the number of brackets")
        for key in ("min_iter", "max_iter", "s"):
            if key in rule:
                self._whole_number(rule[key], key, least=1)
        if "eta" in rule:
            self._whole_number(rule["eta"], "eta", least=2)

    def _check_parameter(self, name: str, node: yaml.Node, method: str) -> None:
        if name not in RunConfig.model_fields or name in _NOT_SWEPT:
            near = difflib.get_close_matches(name, RunConfig.model_fields, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            self._fail(node, f"{PROGRAM} has no hyperparameter {name}{hint}")
        known = ("distribution", *sorted({key for keys in _DISTRIBUTIONS.values() for key in keys}))
        spec = self._mapping(node, f"parameter {name}", known)
        distribution = self._distribution(name, node, spec)
        for key in spec:
            if key not in ("distribution", "probabilities", *_DISTRIBUTIONS[distribution]):
                self._fail(spec[key], f"{name}: {distribution} has no {key}")
        for key in _DISTRIBUTIONS[distribution]:
            if key not in spec and key not in _OPTIONAL:
                self._fail(node, f"{name}: {distribution} needs {key}")
        if kind(RunConfig.model_fields[name]) not in (int, float) and not {"value", "values"} & set(
            spec
        ):
            self._fail(node, f"{name} is not a number; give its values")
        if kind(RunConfig.model_fields[name]) is int and distribution not in _WHOLE:
            self._check_whole(name, node, spec)
        if method == "grid" and "values" not in spec and "value" not in spec:
            self._fail(node, f"{name}: a grid needs values, not a range")
        self._check_values(name, distribution, spec)

    def _check_together(self, root: yaml.Node, parameters: dict[str, yaml.Node]) -> None:
        """Every run must be one that RunConfig takes, whatever the search chooses."""
        if fault := fault_between({name: self._value(node) for name, node in parameters.items()}):
            name, _, why = fault.removeprefix("--").partition(": ")
            # A model that nobody wrote is the default one: then the data set does not fit it.
            node = parameters.get(name) or parameters.get("dataset") or root
            self._fail(node, f"{name}: {why}")

    def _check_whole(self, name: str, node: yaml.Node, spec: dict[str, yaml.Node]) -> None:
        if "q" not in spec:
            self._fail(node, f"{name} is a whole number; use int_uniform, q_uniform or values")
        for key in ("q", "min", "max"):
            if key in spec and self._number(name, spec[key]) % 1:
                self._fail(spec[key], f"{name} is a whole number; {key} must be one, too")

    def _distribution(self, name: str, node: yaml.Node, spec: dict[str, yaml.Node]) -> str:
        if "distribution" in spec:
            return self._one_of(spec["distribution"], "distribution", tuple(_DISTRIBUTIONS))
        if "values" in spec:
            return "categorical"
        if "value" in spec:
            return "constant"
        if "min" in spec and "max" in spec:
            ends = (self._value(spec["min"]), self._value(spec["max"]))
            return "int_uniform" if all(isinstance(end, int) for end in ends) else "uniform"
        return self._fail(node, f"{name} needs value, values, or min and max")

    def _check_values(self, name: str, distribution: str, spec: dict[str, yaml.Node]) -> None:
        if "value" in spec:
            self._check_value(name, spec["value"])
        if "values" in spec:
            values = spec["values"]
            if not isinstance(values, yaml.SequenceNode) or not values.value:
                self._fail(values, f"{name}: values must be a list with at least one value")
            for value in values.value:
                self._check_value(name, value)
        if "min" in spec and "max" in spec:
            low, high = (self._number(name, spec[key]) for key in ("min", "max"))
            if low >= high:
                self._fail(spec["min"], f"{name}: min {low} is not below max {high}")
            sign = _EXPONENTS.get(distribution)
            for key, end in (("min", low), ("max", high)):
                self._check_value(
                    name, spec[key], self._exp(spec[key], sign * end) if sign else end
                )
        if "mu" in spec:
            mean = self._number(name, spec["mu"])
            log = "log" in distribution
            self._check_value(name, spec["mu"], self._exp(spec["mu"], mean) if log else mean)

    def _exp(self, node: yaml.Node, exponent: float) -> float:
        try:
            return math.exp(exponent)
        except OverflowError:
            self._fail(
                node, f"e to the power of {exponent} is too large; min and max are exponents"
            )

    def _one_of(self, node: yaml.Node, what: str, options: Sequence[str]) -> str:
        value = self._value(node)
        if value not in options:
            self._fail(node, f"{what} {value!r} is not one of {', '.join(options)}")
        return str(value)

    def _whole_number(self, node: yaml.Node, what: str, least: int) -> None:
        value = self._value(node)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self._fail(node, f"{what} must be a whole number >= {least}, not {value!r}")

    def _number(self, name: str, node: yaml.Node) -> float:
        value = self._value(node)
        if isinstance(value, bool) or not isinstance(value, int | float):
            hint = "; YAML reads 1e-3 as text, write 0.001 or 1.0e-3" if is_number(value) else ""
            self._fail(node, f"{name}: {value!r} is not a number{hint}")
        return value
