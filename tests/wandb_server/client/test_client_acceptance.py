"""W&B's own acceptance test for self-hosted servers, and what the public API says of projects."""

import json
import re

import pytest

from tests.wandb_server.server_harness import Client, ServerProcess

# The server is for one machine: no TLS, and no pages of other origins that fetch its files.
_NOT_OFFERED = {
    "Checking requests to base url",
    "Checking requests made over signed URLs",
    "Checking CORs configuration of the bucket",
}


@pytest.mark.slow
def test_wandb_verify_passes_all_but_its_https_and_cors_checks(
    server: ServerProcess, client: Client
) -> None:
    process = client.start("wandb", "verify", "--host", server.url)
    output, _ = process.communicate(timeout=280)
    results = dict(
        re.findall(r"^(Checking [^.\n]+?)\.+.*?([✅❌])", output, re.MULTILINE | re.DOTALL)
    )
    assert len(results) >= 9, output
    assert {name for name, mark in results.items() if mark == "❌"} <= _NOT_OFFERED, output


def test_projects_and_sweeps_are_listed(client: Client) -> None:
    client.python(
        """
import wandb
api = wandb.Api()
assert api.default_entity == "local" and api.viewer.username == "local"
api.create_project("second", "local")
sweep = {"program": "t.py", "method": "random", "name": "the sweep"}
sweep["parameters"] = {"x": {"value": 1}}
id = wandb.sweep(sweep, project="gradsweep")
assert sorted(p.name for p in api.projects("local")) == ["gradsweep", "second"]
(found,) = api.project("gradsweep", "local").sweeps()
assert (found.id, found.state, found.config["name"]) == (id, "PENDING", "the sweep")
assert list(found.runs) == [] and list(found.agents()) == []
assert found.best_run() is None
"""
    )


def test_views_are_saved_listed_changed_and_deleted(server: ServerProcess) -> None:
    upsert = """
    mutation upsertView($id: ID, $spec: String!) {
      upsertView(input: {id: $id, entityName: "local", projectName: "p", type: "runs",
                         displayName: "Report", spec: $spec}) { view { id name spec } inserted }
    }
    """
    first = server.graphql(upsert, spec=json.dumps({"blocks": []}))["upsertView"]
    assert first["inserted"] is True
    again = server.graphql(upsert, id=first["view"]["id"], spec="{}")["upsertView"]
    assert (again["inserted"], again["view"]["name"]) == (False, first["view"]["name"])
    listed = server.graphql(
        'query { project(name: "p") { allViews(viewType: "runs") {'
        " edges { node { id displayName spec } } } } }"
    )
    (edge,) = listed["project"]["allViews"]["edges"]
    assert edge["node"] == {"id": first["view"]["id"], "displayName": "Report", "spec": "{}"}
    server.graphql(
        "mutation($id: ID!) { deleteView(input: {id: $id}) { success } }", id=first["view"]["id"]
    )
    assert server.rows("SELECT * FROM views") == []
