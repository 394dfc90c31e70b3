"""Reading a run's history back: sampled rows, keys and their types."""

from typing import Any

from src.wandb_server.api.arguments import Args, parse_json
from src.wandb_server.documents import flat, lookup
from src.wandb_server.errors import RequestError
from src.wandb_server.store import Store
from src.wandb_server.store.runs import Run

DEFAULT_SAMPLES = 500


def sample(items: list[Any], count: int) -> list[Any]:
    """At most ``count`` items, evenly spaced, with the first and the last among them."""
    if count <= 0:
        return []
    if len(items) <= count:
        return items
    if count == 1:
        return items[-1:]
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def sampled_history(store: Store, run: Run, specs: list[str]) -> list[list[dict[str, Any]]]:
    """For each spec (``keys``, ``samples``, ``minStep``, ``maxStep``): rows with all its keys."""
    return [_sampled(store, run, parse_json(spec, "specs")) for spec in specs]


def _sampled(store: Store, run: Run, spec: Any) -> list[dict[str, Any]]:
    if not isinstance(spec, dict):
        raise RequestError("a history spec must be an object")
    args = Args(spec)
    keys = args.texts("keys")
    low, last = args.optional_integer("minStep"), args.optional_integer("maxStep")
    # The client means the last step to include here, and one past it in its other queries.
    high = None if last is None else last + 1
    rows = store.runs.rows(run.id, "history", low, high)
    if keys:
        rows = [{key: lookup(row, key) for key in keys} for row in rows]
        rows = [row for row in rows if all(value is not None for value in row.values())]
    return sample(rows, args.integer("samples", DEFAULT_SAMPLES))


def history_keys(store: Store, run: Run) -> dict[str, Any]:
    """The keys of a run's history, with the counts of their types, in the form the client reads."""
    keys: dict[str, dict[str, int]] = {}
    last: dict[str, Any] = {}
    last_step = -1
    for row in store.runs.rows(run.id, "history"):
        step = row.get("_step")
        if isinstance(step, int):
            last_step = max(last_step, step)
        for key, value in flat(row):
            counts = keys.setdefault(key, {})
            counts[_type(value)] = counts.get(_type(value), 0) + 1
            last[key] = value
    return {
        "sets": [],
        "keys": {
            key: {
                "typeCounts": [{"type": name, "count": n} for name, n in counts.items()],
                "monotonic": key == "_step",
                "previousValue": last[key],
            }
            for key, counts in keys.items()
        },
        "lastStep": last_step,
    }


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, dict):
        return str(value.get("_type", "map"))
    return {"str": "string", "list": "list", "NoneType": "nil"}.get(type(value).__name__, "string")
