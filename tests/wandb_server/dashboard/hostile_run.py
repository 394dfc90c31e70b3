"""A run that logs a script in everything that a run can log: ``python hostile_run.py SCRIPT``.

What the script does is up to whoever starts this; it is to do nothing, wherever it is shown.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import plotly.graph_objects as go  # type: ignore[import-untyped]
import wandb


def files(script: str) -> dict[str, bytes]:
    """Files by name, each a page or a program to a browser that is not told what it is."""
    html = f"<!doctype html><title>x</title><script>{script}</script>"
    inner = f'<script xmlns="http://www.w3.org/1999/xhtml">{script}</script>'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" onload="{script}"><script>{script}</script></svg>'
    )
    pdf = (
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R"
        "/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n"
        "2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>"
    )
    texts = {
        "page.html": html,
        "page.xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml">{inner}</html>',
        "page.mhtml": f"Content-Type: text/html\n\n{html}",
        "no_ending": html,
        "picture.svg": svg,
        "picture.png": html,
        "begins_like_a.gif": f"GIF89a<!-- -->{html}",
        "begins_like_a.bmp": f"BM{html}",
        "program.js": script,
        "program.gif": f"GIF89a=1;{script}",
        "data.xml": f"<data>{inner}</data>",
        "notes.md": f"# notes\n{html}\n[a link](javascript:{script})",
        "notes.txt": html,
        "data.json": html,
        "paper.pdf": pdf,
    }
    return {name: text.encode() for name, text in texts.items()}


def log(script: str) -> None:
    """One run."""
    tag = f"<script>{script}</script><img src=x onerror='{script}'>"
    with (
        TemporaryDirectory() as folder,
        wandb.init(
            id="hostile",
            name=tag,
            notes=tag,
            group=tag[:100],
            job_type=tag[:60],
            tags=[tag[:60]],
            config={tag: tag, "list": [tag]},
        ) as run,
    ):
        artifact = wandb.Artifact("hostile", type="dataset", description=tag)
        for name, content in files(script).items():
            path = Path(folder) / name
            path.write_bytes(content)
            artifact.add_file(str(path))
            run.save(str(path), base_path=folder, policy="now")
        print(tag)
        figure = go.Figure(go.Scatter(x=[1, 2], y=[1, 2], name=tag, hovertemplate=tag))
        run.log(
            {
                "html": wandb.Html(tag, inject=False),
                "picture": wandb.Image(np.zeros((4, 4), np.uint8), caption=tag),
                "table": wandb.Table(columns=[tag, "html"], data=[[tag, wandb.Html(tag)]]),
                "plotly": wandb.Plotly(figure.update_layout(title=tag)),
                "molecule": wandb.Molecule(str(_molecule(folder, tag))),
                tag[:80]: 1.0,
                "text": tag,
            }
        )
        run.summary["text"] = tag
        run.log_artifact(artifact).wait()


def _molecule(folder: str, text: str) -> Path:
    path = Path(folder) / "molecule.pdb"
    path.write_text(text)
    return path


if __name__ == "__main__":
    log(sys.argv[1])
