"""What runs have logged over time, as curves."""

import math
from dataclasses import dataclass, field
from typing import Any

from src.wandb_server.api.history import sample
from src.wandb_server.dashboard.damage import read_or
from src.wandb_server.documents import flat
from src.wandb_server.metric import as_number
from src.wandb_server.store import Store
from src.wandb_server.store.runs import Run

MAX_ROWS = 20_000  # of a run's history that are looked at
MAX_POINTS = 1_000  # of a curve that are drawn


@dataclass
class Curve:
    """The numbers logged under one key: steps, epochs (None where not logged), values.

    A value is None where NaN or an infinity was logged.
    """

    steps: list[float] = field(default_factory=list)
    epochs: list[float | None] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)

    @property
    def has_epochs(self) -> bool:
        """Whether the epoch can be the horizontal axis."""
        known = [epoch for epoch in self.epochs if epoch is not None]
        return len(known) == len(self.epochs) and known == sorted(set(known))

    def points(self, by_epoch: bool) -> tuple[list[float | None], list[float | None]]:
        """At most ``MAX_POINTS`` places and values."""
        places: list[Any] = self.epochs if by_epoch else self.steps
        pairs = sample(list(zip(places, self.values, strict=True)), MAX_POINTS)
        return [place for place, _ in pairs], [value for _, value in pairs]


def curves_of(store: Store, run: Run, stream: str = "history") -> dict[str, Curve]:
    """All keys of a run under which numbers were logged, nested ones with dots."""
    found: dict[str, Curve] = {}
    rows: list[dict[str, Any]] = read_or([], store.runs.sampled_rows, run.id, stream, MAX_ROWS)
    for position, row in enumerate(rows):
        step = _finite(row.get("_step", row.get("_runtime")))
        epoch = _finite(row.get("epoch"))
        for key, value in flat(row):
            if key.startswith("_") or (number := as_number(value)) is None:
                continue
            curve = found.setdefault(key, Curve())
            curve.steps.append(position if step is None else step)
            curve.epochs.append(epoch)
            curve.values.append(None if math.isnan(number) else number)
    found.pop("epoch", None)
    return found


def _finite(value: Any) -> float | None:
    number = as_number(value)
    return None if number is None or math.isnan(number) else number


def config_of(run: Run) -> dict[str, Any]:
    """A run's config by flat name, without what the client keeps there for itself."""
    plain = {
        name: entry["value"] if isinstance(entry, dict) and "value" in entry else entry
        for name, entry in sorted(run.config.items())
        if name != "_wandb"
    }
    return dict(flat(plain))


def summary_of(run: Run) -> dict[str, Any]:
    """A run's summary by flat name, without the client's own keys and media."""
    return {
        key: value
        for key, value in sorted(flat(run.summary))
        if not key.startswith("_") and not (isinstance(value, dict) and "_type" in value)
    }
