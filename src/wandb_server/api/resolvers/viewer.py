"""Who is asking, what the server can do, and introspection for clients that probe for it."""

from typing import Any

from src.shared.defaults import ENTITY
from src.wandb_server.api.arguments import Args
from src.wandb_server.api.connections import connection, edges
from src.wandb_server.api.ids import encode_id
from src.wandb_server.api.resolvers.nodes import entity_node, node, user_node
from src.wandb_server.api.resolvers.types import Resolvers
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
    "UPDATE_RUN_STATE",
)
# What clients before 0.26 look for in the schema and cannot do without.
_PROBED = {
    "Artifact": ("aliases", "tags"),  # without a ttl: they warn whoever sets one
    "Mutation": ("createRunFiles",),
    "Project": ("internalId",),
    "Run": ("projectId",),
}
# The releases of wandb that the tests run against the server; older ones fail on artifacts.
OLDEST_CLIENT = "0.19.0"
NEWEST_CLIENT = "0.31.0"


def _viewer(server: Server, args: Args) -> dict[str, Any]:
    """Who has the key, by whose beginning it is told from others."""

    def projects(args: Args) -> dict[str, Any]:
        owned = server.store.projects.all(ENTITY)
        return connection(owned, args, lambda project: node(project, server))

    key = {"__typename": "ApiKey", "id": encode_id("ApiKey", ENTITY), "name": server.key_name}
    return user_node() | {"apiKeys": edges([key | {"description": None}]), "projects": projects}


def _entity(server: Server, args: Args) -> dict[str, Any] | None:
    """The one user, or another name under which projects are kept."""
    name = args.optional("name") or ENTITY
    if name != ENTITY and not server.store.projects.all(name):
        return None
    member = {"id": encode_id("User", ENTITY), "admin": True, "pending": False, "email": None}
    named = {"username": ENTITY, "name": ENTITY, "photoUrl": None}
    return entity_node(name) | {
        "available": False,
        "photoUrl": None,
        "readOnly": False,
        "readOnlyAdmin": False,
        "entityType": "user",
        "privateOnly": True,
        "isPaid": False,
        "defaultAccess": "PRIVATE",
        "codeSavingEnabled": True,
        "storageBytes": lambda _: server.store.files.total_size(),
        "members": [member | named | {"accountType": "USER", "apiKey": None}],
        "integrations": lambda args: connection([], args, edges),  # there are none
    }


def _users(server: Server, args: Args) -> dict[str, Any]:
    wanted = args.optional("query") or ENTITY
    return edges([user_node()] if wanted.lower() in ENTITY else [])


def _organization(server: Server, args: Args) -> None:
    """Nobody belongs to an organization here."""


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


QUERIES: Resolvers = {
    "viewer": _viewer,
    "users": _users,
    "entity": _entity,
    "organization": _organization,
    "serverInfo": _server_info,
    "__type": _type,
}
