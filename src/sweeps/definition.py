"""A sweep file: a plain W&B sweep YAML, refused before anything starts if it cannot work.

The keys are those of W&B's "sweep configuration options"; every parameter must be one of
:class:`~src.config.run_config.RunConfig`'s hyperparameters, and every value one that it takes.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from src.config.readers import conditional_readers
from src.config.run_config import RunConfig
from src.sweep_language.grammar import parse_sweep
from src.sweeps.checks import Checker


@dataclass(frozen=True)
class SweepDefinition:
    """A sweep file that has been checked.

    Attributes:
        config: What W&B is given.
        warnings: What the file says but hardly means, each in one line.
    """

    config: dict[str, Any]
    warnings: tuple[str, ...] = ()

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
        if self.config["method"] == "grid":
            # All else of a sweep that others have made may be unknown here.
            counted = ("method", "parameters", "conditions", "run_cap")
            kept = {key: self.config[key] for key in counted if key in self.config}
            return parse_sweep(kept).expected_runs
        cap: int | None = self.config.get("run_cap")
        return cap

    def planned(self, count: int | None, default_count: int) -> Self:
        """This sweep with a number of runs.

        Args:
            count: Runs in all; without it the file's ``run_cap``, a whole grid, or the default.
            default_count: Of a search that the file sets no end.
        """
        config = dict(self.config)
        if count is not None:
            config["run_cap"] = count
        elif config["method"] != "grid":
            config.setdefault("run_cap", default_count)
        return replace(self, config=config)

    def for_embedded_server(self, seed: int | None) -> Self:
        """This sweep with what only the embedded server understands.

        That is a seed of the search, and which optimizers or schedules read a hyperparameter: the
        others' runs do not differ by it.
        """
        config = dict(self.config)
        if seed is not None:
            config["seed"] = seed
        parameters = config["parameters"]
        conditions = {
            name: {chooser: readers}
            for chooser, table in conditional_readers().items()
            for name, readers in table.items()
            if {name, chooser} <= set(parameters)
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
    checker = Checker(path)
    return SweepDefinition(checker.check(), checker.warnings)
