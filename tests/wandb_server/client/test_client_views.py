"""Reports and workspaces, written in code with W&B's own package for them."""

import json

from tests.wandb_server.server_harness import Client, ServerProcess

_SAVE = """
import json, wandb
import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

with wandb.init(config={"lr": 0.1}) as run:
    run.log({"acc": 0.5})
at = {"entity": "local", "project": "gradsweep"}
plot = wr.LinePlot(x="Step", y=["acc"])
runs = wr.Runset(**at, filters="Config('lr') >= 0.05")
report = wr.Report(**at, title="What mattered", description="words",
                   blocks=[wr.H1("Findings"), wr.P("The learning rate."),
                           wr.PanelGrid(runsets=[runs], panels=[plot])])
report.save()
back = wr.Report.from_url(report.url)
assert (back.title, back.description) == ("What mattered", "words")
assert [type(block).__name__ for block in back.blocks] == ["H1", "P", "PanelGrid"]
(grid,) = back.blocks[2:]
assert [metric.name for metric in grid.panels[0].y] == ["acc"]
assert grid.runsets[0].filters == 'Config("lr") >= 0.05'
back.title = "Renamed"
back.blocks.append(wr.P("Added later."))
back.save()
unwanted = wr.Report(**at, title="Unwanted")
unwanted.save()
assert {r.display_name for r in wandb.Api().reports("local/gradsweep")} == {"Renamed", "Unwanted"}
assert unwanted.delete()
assert [r.display_name for r in wandb.Api().reports("local/gradsweep")] == ["Renamed"]

workspace = ws.Workspace(**at, name="mine", sections=[ws.Section(name="S", panels=[plot])])
workspace.save()
loaded = ws.Workspace.from_url(workspace.url)
assert (loaded.name, [s.name for s in loaded.sections]) == ("mine", ["S"])
loaded.name = "mine, changed"
loaded.save()
assert ws.Workspace.from_url(workspace.url).name == "mine, changed"
loaded.name = "another"
loaded.save_as_new_view()
assert loaded.url != workspace.url
print(json.dumps({"report": back.url, "workspace": workspace.url}))
"""


def test_reports_and_workspaces_are_saved_loaded_listed_and_shown(
    server: ServerProcess, client: Client
) -> None:
    addresses = json.loads(client.python(_SAVE).splitlines()[-1])
    page = server.browser.get(addresses["report"], timeout=30)
    assert page.status_code == 200
    for text in ("Renamed", "Findings", "The learning rate.", "Added later."):
        assert text in page.text, text
    assert server.browser.get(addresses["workspace"], timeout=30).status_code == 200
    rows = server.rows("SELECT display_name, type FROM views ORDER BY id")
    assert [(r["display_name"], r["type"]) for r in rows] == [
        ("Renamed", "runs"),
        ("mine, changed", "project-view"),
        ("another", "project-view"),
    ]
