"""Who is asking, what the server can do, and introspection for clients that probe for it."""

from typing import Any

from src.wandb_server.arguments import Args
from src.wandb_server.connections import edges
from src.wandb_server.context import ENTITY, Server
from src.wandb_server.ids import encode_id

# What the client may use because this server answers it.
_FEATURES = (
    "ARTIFACT_TAGS",
    "FILESTREAM_GZIP",
    "MARK_RUN_FILES_UPLOADED",
    "SWEEPS_QUERY_FILTERING",
    "TOTAL_COUNT_IN_FILE_CONNECTION",
)
_CLIENT_VERSION = "0.31.0"


def user_node() -> dict[str, Any]:
    """The one user, whose key every client has."""
    return {
        "__typename": "User",
        "id": encode_id("User", ENTITY),
        "name": ENTITY,
        "username": ENTITY,
        "email": None,
        "admin": False,
        "flags": "{}",
        "entity": ENTITY,
        "deletedAt": None,
        "apiKeys": edges([]),
        "teams": edges([{"__typename": "Entity", "name": ENTITY}]),
        "organizations": [],
    }


def entity_node(name: str) -> dict[str, Any]:
    """An owner of projects; there are no organizations here."""
    return {
        "__typename": "Entity",
        "id": encode_id("Entity", name),
        "name": name,
        "organization": None,
        "user": user_node(),
        "isTeam": False,
        "xxhashDigestsEnabled": False,
    }


def _viewer(server: Server, args: Args) -> dict[str, Any]:
    return user_node()


def _entity(server: Server, args: Args) -> dict[str, Any]:
    return entity_node(args.optional("name") or ENTITY)


def _server_info(server: Server, args: Args) -> dict[str, Any]:
    return {
        "__typename": "ServerInfo",
        "features": [{"name": name, "isEnabled": True} for name in _FEATURES],
        "cliVersionInfo": {
            "min_cli_version": "0.19.0",
            "max_cli_version": _CLIENT_VERSION,
        },
        "latestLocalVersionInfo": None,
    }


def _type(server: Server, args: Args) -> dict[str, Any]:
    # There is no schema; an empty type makes a probing client use the plainest form of a request.
    return {
        "__typename": "__Type",
        "name": args.optional("name"),
        "fields": [],
        "inputFields": [],
    }


QUERIES = {"viewer": _viewer, "entity": _entity, "serverInfo": _server_info, "__type": _type}
