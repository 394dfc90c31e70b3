"""What the client's public API is told of runs, artifacts and their lists: all of it true."""

from collections.abc import Iterator

import pytest

from tests.wandb_server.server_harness import Client, ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    server.start()
    yield server
    assert server.end() == 0
    assert server.missing_fields() == []


def test_versions_and_runs_are_in_the_order_that_is_asked_for(client: Client) -> None:
    client.python(
        """
import wandb
with wandb.init(project="ordered", name="1") as run:
    for version in range(4):
        artifact = wandb.Artifact("data", "set")
        with artifact.new_file("x.txt") as file:
            file.write("x" * (10 - version))
        run.log_artifact(artifact).wait()
for name in "ab":
    wandb.init(project="ordered", name=name).finish()

api = wandb.Api()
def versions(order=None):
    return "".join(a.version[1:] for a in api.artifacts("set", "ordered/data", order=order))
assert versions() == "3210", versions()
for order, wanted in [("version_index", "0123"), ("-versionIndex", "3210"), ("size", "3210"),
                      ("+created_at", "0123"), ("-created_at", "3210")]:
    assert versions(order) == wanted, (order, versions(order))

def names(order):
    return "".join(run.name[-1] for run in api.runs("local/ordered", order=order))
assert names("-display_name") == "ba1", names("-display_name")
assert names("+state") == "1ab" and names("-state") == "ba1", "equal ones by their age"

def collections(order=None, **filters):
    found = api.project("ordered").collections(order=order, filters=filters or None)
    return [one.name for one in found]
assert collections("name", name="data") == ["data"]

nonsense = "+nonsense"
for ask in (versions, names, collections):
    try:
        ask(nonsense)
    except Exception as error:
        assert "there is no order by" in str(error), error
    else:
        raise AssertionError("an order by what there is not")
"""
    )


def test_every_run_that_logs_the_same_content_has_logged_it(client: Client) -> None:
    client.python(
        """
import wandb
def log():
    with wandb.init(project="same") as run:
        artifact = wandb.Artifact("data", "set")
        with artifact.new_file("x.txt") as file:
            file.write("the same")
        run.log_artifact(artifact)
        return run.id

first, second = log(), log()
api = wandb.Api()
for run in (first, second):
    assert [a.name for a in api.run(f"same/{run}").logged_artifacts()] == ["data:v0"], run
assert api.artifact("same/data:v0").logged_by().id == first, "it has made it"
api.run(f"same/{first}").delete(delete_artifacts=True)
assert [a.name for a in wandb.Api().run(f"same/{second}").logged_artifacts()] == ["data:v0"]
wandb.Api().run(f"same/{second}").delete(delete_artifacts=True)
assert not wandb.Api().artifact_exists("same/data:v0")
"""
    )
