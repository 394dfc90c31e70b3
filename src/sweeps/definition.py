"""Reading a sweep file: a plain W&B sweep YAML, refused before anything starts if it cannot work.

The keys are those of W&B's "sweep configuration options"; every parameter must be one of
:class:`~src.config.RunConfig`'s hyperparameters, and every value one that it takes.
"""

import difflib
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, Self

import yaml

from src.config import OPTIMIZER_HYPERPARAMETERS, RunConfig, kind
from src.errors import UserError
from src.metrics import METRIC_NAMES

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
_WHOLE = ("constant", "categorical", "categorical_w_probabilities", "int_uniform")


@dataclass(frozen=True)
class SweepDefinition:
    """A sweep file that has been checked.

    Attributes:
        config: what W&B is given.
    """

    config: dict[str, Any]

    @property
    def datasets(self) -> list[str]:
        """The data sets that its runs may need."""
        dataset = self.config["parameters"].get("dataset", {"value": RunConfig().dataset})
        return list(dataset["values"]) if "values" in dataset else [dataset["value"]]

    @property
    def varied(self) -> list[str]:
        """The hyperparameters that differ between its runs."""
        parameters = self.config["parameters"].items()
        return [name for name, spec in parameters if "value" not in spec]

    @property
    def total_runs(self) -> int | None:
        """How many runs it will have: its ``run_cap``, or all of a grid, or no limit."""
        cap: int | None = self.config.get("run_cap")
        if self.config["method"] != "grid":
            return cap
        sizes = [len(spec.get("values", [0])) for spec in self.config["parameters"].values()]
        return math.prod(sizes) if cap is None else min(math.prod(sizes), cap)

    def planned(self, count: int | None, default_count: int) -> Self:
        """This sweep with a number of runs.

        Args:
            count: runs in all; without it the file's ``run_cap``, a whole grid, or the default.
            default_count: for a search that the file sets no end.
        """
        config = dict(self.config)
        if count is not None:
            config["run_cap"] = count
        elif config["method"] != "grid":
            config.setdefault("run_cap", default_count)
        return replace(self, config=config)

    def for_embedded_server(self, seed: int | None) -> Self:
        """This sweep with what only the embedded server understands.

        That is a seed of the search, and which optimizers read a hyperparameter: the others' runs
        do not differ by it.
        """
        config = dict(self.config)
        if seed is not None:
            config["seed"] = seed
        if "optimizer" in config["parameters"]:
            conditions = {
                name: {"optimizer": optimizers}
                for name, optimizers in _readers().items()
                if name in config["parameters"]
            }
            if conditions:
                config["conditions"] = conditions
        return replace(self, config=config)

    @property
    def metric(self) -> str:
        """The name of the metric that the sweep is about."""
        return str(self.config["metric"]["name"])

    @property
    def maximize(self) -> bool:
        """Whether more of the metric is better."""
        return bool(self.config["metric"].get("goal") == "maximize")


def load_definition(path: Path) -> SweepDefinition:
    """Read and check a sweep file.

    Raises:
        UserError: ``FILE:LINE: fault; cure`` for the first thing that cannot work.
    """
    try:
        text = path.read_text()
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        raise UserError(f"cannot read the sweep file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a text file; name a sweep YAML") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{path}:{line}: not YAML: {error.problem}") from None
    return _Checker(path, node).check()


class _Checker:
    """Walks a YAML node tree, so that every fault knows its line."""

    def __init__(self, path: Path, root: yaml.Node | None) -> None:
        if not isinstance(root, yaml.MappingNode):
            raise UserError(f"{path}:1: a sweep file is a mapping with method, metric, parameters")
        self._path = path
        self._root = root

    def check(self) -> SweepDefinition:
        sweep = self._mapping(self._root, "the sweep file", _KEYS["sweep"])
        for required in ("method", "metric", "parameters"):
            if required not in sweep:
                self._fail(self._root, f"the key {required} is missing")
        if "program" in sweep and Path(self._value(sweep["program"])) != Path(PROGRAM):
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
        return SweepDefinition({"program": PROGRAM, **self._value(self._root)})

    def _check_metric(self, node: yaml.Node) -> None:
        metric = self._mapping(node, "metric", _KEYS["metric"])
        if "name" not in metric:
            self._fail(node, "metric needs a name")
        self._one_of(metric["name"], "metric name", METRIC_NAMES)
        if "goal" in metric:
            self._one_of(metric["goal"], "goal", ("maximize", "minimize"))

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
        if name not in RunConfig.model_fields:
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
        if kind(name) is int and distribution not in _WHOLE and not distribution.startswith("q_"):
            self._fail(node, f"{name} is a whole number; use int_uniform, q_uniform or values")
        if method == "grid" and "values" not in spec and "value" not in spec:
            self._fail(node, f"{name}: a grid needs values, not a range")
        self._check_values(name, distribution, spec)

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
                self._check_value(name, spec[key], math.exp(sign * end) if sign else end)

    def _check_value(self, name: str, node: yaml.Node, value: Any = None) -> None:
        value = self._value(node) if value is None else value
        if isinstance(value, str) and kind(name) in (int, float):
            hint = "; YAML reads 1e-3 as text, write 0.001 or 1.0e-3" if _is_number(value) else ""
            self._fail(node, f"{name}: {value!r} is not a number{hint}")
        try:
            RunConfig.parse({name: value})
        except UserError as error:
            self._fail(node, str(error).removeprefix("--"))

    def _mapping(
        self, node: yaml.Node, what: str, known: Sequence[str] | None
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._fail(node, f"{what} must be a mapping")
        entries: dict[str, yaml.Node] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in entries:
                self._fail(key_node, f"{key} is given twice in {what}")
            if known is not None and key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known)}"
                self._fail(key_node, f"unknown key {key} in {what}; {hint}")
            entries[key] = value_node
        return entries

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
            hint = "; YAML reads 1e-3 as text, write 0.001 or 1.0e-3" if _is_number(value) else ""
            self._fail(node, f"{name}: {value!r} is not a number{hint}")
        return value

    def _value(self, node: yaml.Node) -> Any:
        try:
            return yaml.SafeLoader("").construct_document(node)
        except yaml.MarkedYAMLError as error:
            return self._fail(node, str(error.problem))

    def _fail(self, node: yaml.Node, message: str) -> NoReturn:
        raise UserError(f"{self._path}:{node.start_mark.line + 1}: {message}")


def _readers() -> dict[str, list[str]]:
    """For each hyperparameter of an optimizer, the optimizers that read it.

    Weight decay is not among them: where the optimizer does not decouple it, the loss has it.
    """
    readers: dict[str, list[str]] = {}
    for optimizer, names in OPTIMIZER_HYPERPARAMETERS.items():
        for name in names:
            readers.setdefault(name, []).append(optimizer)
    readers.pop("weight_decay")
    return readers


def _is_number(value: Hashable) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True
