"""What runs have logged besides numbers: confusion matrices, images, tables, histograms."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from src.wandb_server.dashboard import charts, confusion, words
from src.wandb_server.dashboard.addresses import run_file_url
from src.wandb_server.dashboard.damage import read_or
from src.wandb_server.documents import flat
from src.wandb_server.store import Store
from src.wandb_server.store.blobs import BlobStorage
from src.wandb_server.store.files import StoredFile
from src.wandb_server.store.runs import Run

MAX_LINES = 200  # of history with media that are looked at, the newest
MAX_IMAGES = 24  # of a key that are shown, the newest
SMALL_WIDTH = 128  # up to which an image's pixels are shown as such
MAX_TABLE_ROWS = 50
MAX_TABLE_BYTES = 5_000_000
MAX_HISTOGRAMS = 24


@dataclass
class Media:
    """A run's media by kind; ``others`` are kinds that have no view here."""

    confusions: list[tuple[str, confusion.Matrix]] = field(default_factory=list)
    images: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tables: list[dict[str, Any]] = field(default_factory=list)
    histograms: list[tuple[str, charts.Figure]] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)


def media_of(
    store: Store, blobs: BlobStorage, run: Run, files: Mapping[str, StoredFile], url: str
) -> Media:
    """The newest media of a run.

    Args:
        store: The store.
        blobs: Where table files are read.
        run: The run.
        files: Its files that have arrived, by name.
        url: Its page's address, below which its files are fetched.
    """
    found = Media()
    newest: dict[str, dict[str, Any]] = {}
    for step, key, value in _logged(store, run):
        newest[key] = value
        if value["_type"] in ("image-file", "images/separated"):
            found.images.setdefault(key, []).extend(_images(value, step, files, url))
    found.images = {k: _newest_first(v) for k, v in found.images.items() if v}
    for key, value in sorted(newest.items()):
        kind = value["_type"]
        if kind == "table-file":
            _table(found, key, _text(value.get("path")), files, blobs, url)
        elif kind == "histogram":
            _histogram(found, key, value)
        elif kind not in ("image-file", "images/separated"):
            name = _text(value.get("path"))
            link = run_file_url(url, name) if name in files else None
            found.others.append({"key": key, "kind": kind, "url": link})
    return found


def _logged(store: Store, run: Run) -> Iterable[tuple[Any, str, dict[str, Any]]]:
    rows = read_or([], store.runs.rows_with, run.id, "history", '"_type"', MAX_LINES)
    for row in rows or [run.summary]:
        for key, value in flat(row):
            if isinstance(value, dict) and isinstance(value.get("_type"), str):
                yield row.get("_step"), key, value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _images(
    value: dict[str, Any], step: Any, files: Mapping[str, StoredFile], url: str
) -> Iterable[dict[str, Any]]:
    names = value.get("filenames") if value["_type"] == "images/separated" else [value.get("path")]
    captions = value.get("captions")
    if not isinstance(captions, list):
        captions = [value.get("caption")]
    for i, name in enumerate(names if isinstance(names, list) else []):
        if not isinstance(name, str) or name not in files:
            continue
        caption = captions[i] if i < len(captions) and isinstance(captions[i], str) else ""
        link = run_file_url(url, name)
        width = value.get("width")
        yield {
            "url": link,
            "source": f"{link}?view=1",
            "caption": caption,
            "step": step,
            "small": isinstance(width, int | float) and width <= SMALL_WIDTH,
        }


def _newest_first(images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last images, newest step first, those of one step in their order."""
    steps = list(dict.fromkeys(image["step"] for image in images))
    return sorted(images[-MAX_IMAGES:], key=lambda image: -steps.index(image["step"]))


def _table(
    found: Media,
    key: str,
    name: str,
    files: Mapping[str, StoredFile],
    blobs: BlobStorage,
    url: str,
) -> None:
    file = files.get(name)
    if file is None:
        return
    link = run_file_url(url, name)
    if (file.size or 0) > MAX_TABLE_BYTES:
        found.others.append({"key": key, "kind": f"table of {words.size(file.size)}", "url": link})
        return
    try:
        content = json.loads(blobs.path(file.blob_id).read_bytes())
        columns, rows = content["columns"], content["data"]
        assert isinstance(columns, list)
        assert all(isinstance(row, list) for row in rows)
    except (OSError, ValueError, KeyError, TypeError, AssertionError, RecursionError):
        found.others.append({"key": key, "kind": "table that cannot be read", "url": link})
        return
    matrix = confusion.read(rows) if columns == confusion.COLUMNS else None
    if matrix is not None:
        found.confusions.append((key.removesuffix("_table"), matrix))
    else:
        shown = [[_cell(value) for value in row] for row in rows[:MAX_TABLE_ROWS]]
        found.tables.append(
            {"key": key, "columns": columns, "rows": shown, "total": len(rows), "url": link}
        )


def _cell(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("_type"), str):
        return f"[{value['_type']}]"
    return value


def _histogram(found: Media, key: str, value: dict[str, Any]) -> None:
    bins, counts = value.get("bins"), value.get("values")
    if _numbers(bins) and _numbers(counts) and len(found.histograms) < MAX_HISTOGRAMS:
        found.histograms.append((key, charts.histogram(bins, counts)))


def _numbers(values: Any) -> TypeGuard[list[float]]:
    return isinstance(values, list) and all(
        type(v) in (int, float) and abs(v) < 1e300 for v in values
    )
