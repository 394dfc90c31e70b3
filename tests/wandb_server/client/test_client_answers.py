"""What the client's public API is told of runs, artifacts and their lists: all of it true."""

import pytest

from tests.wandb_server.server_harness import Client, ServerProcess


@pytest.fixture(scope="module")
def server(module_server: ServerProcess) -> ServerProcess:
    return module_server


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


def test_a_run_may_be_of_an_entity_that_had_no_project(client: Client) -> None:
    client.python(
        """
import wandb
with wandb.init(entity="other", project="first") as run:
    artifact = wandb.Artifact("data", "set")
    with artifact.new_file("x.txt") as file:
        file.write("x")
    run.log_artifact(artifact).wait()
assert wandb.Api().run(f"other/first/{run.id}").entity == "other"
assert wandb.Api().team("other").name == "other"
for ask in (lambda: wandb.Api().team("nobody"), lambda: wandb.Api().organization("nobody")):
    try:
        ask()
    except Exception:
        pass
    else:
        raise AssertionError("there is none")
"""
    )


def test_files_keys_people_and_states_are_told_as_they_are(
    server: ServerProcess, client: Client
) -> None:
    client.python(
        f"""
import datetime, pathlib
import wandb
api = wandb.Api()
viewer = api.viewer
assert viewer.api_keys == ["{server.key[:8]}"] and viewer.teams == ["local"]
assert api.user("local").username == "local" and api.users("nobody") == []
(member,) = api.team("local").members
assert (member.account_type, repr(member)) == ("USER", "<Member local (USER)>")
assert list(api.automations()) == [] and list(api.integrations()) == []

with wandb.init(project="told") as run:
    artifact = wandb.Artifact("data", "set")
    with artifact.new_file("x.txt") as file:
        file.write("x")
    artifact.ttl = datetime.timedelta(days=1)
    run.log_artifact(artifact).wait()
    assert artifact.ttl is None
found = api.artifact("told/data:v0")
assert found.commit_hash == wandb.Api().artifact("told/data:v0").commit_hash != found.digest
(file,) = found.files()
assert (pathlib.Path("{server.data}/files") / file.storage_path).read_text() == "x"
found.ttl = datetime.timedelta(days=1)
try:
    found.save()
except Exception as error:
    assert "artifacts do not expire at this server" in str(error), error
else:
    raise AssertionError("it stays")

seed = api.create_run(project="told")
made = api.run(f"told/{{seed.id}}")
assert made.update_state("failed") and made.state == "failed"
try:
    made.update_state("failed")
except wandb.Error as error:
    assert "invalid state transition" in str(error), error
else:
    raise AssertionError("it has failed already")
made.delete()
made.delete(delete_artifacts=True)

with wandb.init(project="told") as run:
    elsewhere = wandb.Artifact("elsewhere", "set", storage_region="coreweave-us")
    run.log_artifact(elsewhere)
    try:
        elsewhere.wait()
    except ValueError as error:
        assert "invalid storageRegion: coreweave-us" in str(error), error
    else:
        raise AssertionError("it would be kept here")
"""
    )
    features = server.graphql("{ serverInfo { features { name } } }")["serverInfo"]["features"]
    assert {"name": "UPDATE_RUN_STATE"} in features


def test_a_mutation_that_there_is_not_is_refused(server: ServerProcess, client: Client) -> None:
    client.python(
        """
import wandb
api = wandb.Api()
try:
    api.create_custom_chart(entity="local", name="c", display_name="d", spec_type="vega2",
                            access="private", spec="{}")
except Exception as error:
    assert "this server has no createCustomChart" in str(error), error
else:
    raise AssertionError("nothing was made")
"""
    )
    assert server.missing_fields() == [
        {"operation": "CreateCustomChart", "field": "Mutation.createCustomChart"}
    ]
    (server.data / "missing_fields.jsonl").unlink()  # it was asked for on purpose
