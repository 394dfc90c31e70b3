"""Data that a dashboard must survive, written into a server's folder before it starts."""

import json
from pathlib import Path

from src.wandb_server.http.security import load_api_key
from src.wandb_server.store import Store
from src.wandb_server.store.blobs import BlobStorage
from src.wandb_server.store.runs import Run

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> %{y} {{7*7}}"
HUGE = 10**400  # JSON has such numbers, and no float is as large
SWEEP = """
name: "<b>bold</b>"
method: random
metric: {name: val_loss, goal: minimize}
early_terminate: {type: hyperband, min_iter: 1, eta: 3, strict: true}
parameters:
  lr: {min: 0.0, max: 1.0}
  model: {parameters: {depth: {values: [1, 2]}}}
  layers: {values: [[64, 64], [128]]}
"""
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(3)</script></svg>'


def write_messy_data(folder: Path) -> None:
    """A project ``messy`` with a sweep ``wild``, and a project ``many`` of 1,000 runs."""
    folder.mkdir()
    store = Store(folder / "server.db")
    blobs = BlobStorage(folder / "files", load_api_key(folder / "api_key"))
    _messy_project(store, blobs)
    many = store.projects.ensure("local", "many")
    with store.transaction():
        for i in range(1000):
            store.runs.create(
                many.id,
                f"run{i}",
                state="finished",
                config={"lr": {"value": i / 1000}, "optimizer": {"value": ["adam", "sgd"][i % 2]}},
                summary={"val_accuracy": (i * 37 % 1000) / 1000},
            )


def _messy_project(store: Store, blobs: BlobStorage) -> None:
    project = store.projects.ensure("local", "messy")
    sweep = store.sweeps.create(project.id, SWEEP, name="wild", display_name=HOSTILE)
    store.sweeps.add_agent(sweep.id, HOSTILE)

    def run(name: str, **values: object) -> Run:
        return store.runs.create(project.id, name, **values)

    run("empty", state="pending")
    hostile = run(
        "hostile",
        display_name=HOSTILE,
        state="failed",
        exitcode=3,
        notes=HOSTILE,
        tags=[HOSTILE],
        group_name=HOSTILE,
        host=HOSTILE,
        program=HOSTILE,
        config={
            HOSTILE: {"value": HOSTILE},
            "huge": {"value": HUGE},
            "nested": {"value": {"a": {"b": [1, {"c": 2}]}}},
        },
        summary={HOSTILE: HOSTILE, "nan": "NaN", "none": None, "list": [1, 2], "huge": HUGE}
        | {"val_loss": HUGE, "_wandb": {"runtime": float("nan")}},
    )
    _history(
        store,
        hostile,
        [
            {"_step": i, HOSTILE: i, "text": HOSTILE, "flag": True, "nested": {"x": i}}
            | {"epoch": "NaN", "odd": ["Infinity", "-Infinity", "NaN", 1][i % 4], "huge": HUGE}
            for i in range(8)
        ],
    )
    _lines(store, hostile, "log", [f"\x1b[31m{HOSTILE}\x1b[0m\n", "50%\r100%\n"])
    _media(store, blobs, hostile)
    for i, lr in enumerate([0.0, 0.1, 0.2, HUGE, 0.4, 0.5, -1e200, float("nan")]):
        stop = {"bracket": 1, "value": None if i else 2.5, "threshold": 0.5}
        member = run(
            f"member{i}",
            state=["finished", "crashed", "running"][i % 3],
            sweep_id=sweep.id,
            params={"lr": lr, "model": {"depth": i % 2}, "layers": [64, 64]},
            config={"lr": {"value": lr}, "model": {"value": {"depth": i % 2}}},
            summary={"_wandb": {"runtime": [HUGE, 1e300, "NaN", -1][i % 4]}},
            early_stop=stop if i < 2 else None,
            should_stop=int(i < 2),
            told_to_stop=int(i < 2),
        )
        odd = [1.0, float("nan"), 0.5] if i < 6 else [(-1) ** i * 1.7e308] * 3
        values = [(p, odd[(i + p) % 3]) for p in range(4)]
        store.runs.put_metric_values(member.id, values)
        _history(store, member, [{"_step": p, "val_loss": v} for p, v in values])
    long = run("long", state="finished")
    _history(store, long, [{"_step": i, "loss": 1 / (i + 1)} for i in range(30_000)])
    store.views.create(project.id, "report", type="runs", display_name=HOSTILE, spec=_report())


def _report() -> dict[str, object]:
    def text(kind: str, value: str, **more: object) -> dict[str, object]:
        return {"type": kind, "children": [{"text": value}], **more}

    item = {"type": "list-item", "children": [text("paragraph", "first finding")]}
    return {
        "blocks": [
            text("heading", "What we saw", level=1),
            text("paragraph", HOSTILE + "\ud800"),
            {"type": "list", "children": [item]},
            {"type": "code-block", "children": [text("code-line", "make sweep")]},
            {"type": "panel-grid"},
            "not a block",
        ]
    }


def _history(store: Store, run: Run, rows: list[dict[str, object]]) -> None:
    lines = [(i, i, json.dumps(row)) for i, row in enumerate(rows)]
    store.runs.put_lines(run.id, "history", lines)


def _lines(store: Store, run: Run, stream: str, texts: list[str]) -> None:
    store.runs.put_lines(run.id, stream, [(i, None, text) for i, text in enumerate(texts)])


def _media(store: Store, blobs: BlobStorage, run: Run) -> None:
    table = {
        "columns": [HOSTILE, "n"],
        "data": [[HOSTILE, HUGE], ["\ud800", 1.5], [None, {"_type": "image-file"}]],
    }
    for name, content in {
        "media/images/active.svg": SVG,
        "media/table/hostile.table.json": json.dumps(table).encode(),
        "media/table/broken.table.json": b"[[[",
        "media/html/page.html": b"<script>alert(4)</script>",
    }.items():
        file = store.files.run_file(run.id, name)
        store.files.received(file.blob_id, *blobs.write(file.blob_id, content))
    media = {
        "_step": 8,
        HOSTILE: {"_type": "image-file", "path": "media/images/active.svg", "caption": HOSTILE},
        "table": {"_type": "table-file", "path": "media/table/hostile.table.json"},
        "broken": {"_type": "table-file", "path": "media/table/broken.table.json"},
        "page": {"_type": "html-file", "path": "media/html/page.html"},
        "lost": {"_type": "image-file", "path": "../../server.db"},
        "odd": {"_type": "images/separated", "filenames": "x", "captions": 3},
        "bins": {"_type": "histogram", "bins": [0, 1, "NaN"], "values": [1, 2]},
    }
    store.runs.put_lines(run.id, "history", [(8, 8, json.dumps(media))])
