"""Who is asking, what the server can do, and introspection for clients that probe for it."""

from typing import Any

from src.shared.defaults import ENTITY
from src.wandb_server.api.arguments import Args
from src.wandb_server.api.resolvers.nodes import entity_node, user_node
from src.wandb_server.context import Server

# What the client may use because this server answers it.
_FEATURES = (
    "ARTIFACT_COLLECTIONS_FILTERING_SORTING",
    "ARTIFACT_TAGS",
    "FILESTREAM_GZIP",
    "MARK_RUN_FILES_UPLOADED",
    "SWEEPS_LOCAL_SCHEDULER",
    "SWEEPS_QUERY_FILTERING",
    "TOTAL_COUNT_IN_FILE_CONNECTION",
)
# What clients before 0.26 look for in the schema and cannot do without.
_PROBED = {
    "Artifact": ("aliases", "tags", "ttlDurationSeconds", "ttlIsInherited"),
    "Mutation": ("createRunFiles",),
    "Project": ("internalId",),
    "Run": ("projectId",),
}
# The releases of wandb that the tests run against the server; older ones fail on artifacts.
OLDEST_CLIENT = "0.19.0"
NEWEST_CLIENT = "0.31.0"


def _viewer(server: Server, args: Args) -> dict[str, Any]:
    return user_node()


def _entity(server: Server, args: Args) -> dict[str, Any]:
    return entity_node(args.optional("name") or ENTITY)


def _server_info(server: Server, args: Args) -> dict[str, Any]:
    return {
        "__typename": "ServerInfo",
        "features": [{"name": name, "isEnabled": True} for name in _FEATURES],
        "cliVersionInfo": {
            "min_cli_version": OLDEST_CLIENT,
            "max_cli_version": NEWEST_CLIENT,
        },
        "latestLocalVersionInfo": None,
    }


def _type(server: Server, args: Args) -> dict[str, Any]:
    # There is no schema: a client that probes for a field not listed here uses the plainer form of
    # a request.
    name = args.optional("name")
    known = [{"__typename": "__Field", "name": f, "args": []} for f in _PROBED.get(name or "", ())]
    return {"__typename": "__Type", "name": name, "fields": known, "inputFields": []}


QUERIES = {"viewer": _viewer, "entity": _entity, "serverInfo": _server_info, "__type": _type}
