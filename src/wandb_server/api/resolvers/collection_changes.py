"""Mutations of collections: aliases, tags, names, links taken back."""

from typing import Any

from src.wandb_server.api.arguments import Args
from src.wandb_server.api.ids import decode_id
from src.wandb_server.api.lookups import artifact_by_id, collection_by_key
from src.wandb_server.api.names import check_collection_name
from src.wandb_server.api.resolvers.nodes import node, tag_node
from src.wandb_server.api.resolvers.types import Resolvers
from src.wandb_server.context import Server
from src.wandb_server.errors import NotFoundError
from src.wandb_server.store.collections import Collection

Node = dict[str, Any]


def tag_names(given: Args, key: str) -> list[str]:
    """The names in a list of tags that a client sent."""
    return [tag.text("tagName") for tag in given.members(key)]


def _unlink(server: Server, args: Args) -> Node:
    given = args.input()
    artifact = artifact_by_id(server, given.text("artifactID"))
    portfolio = _collection_of(server, given, "artifactPortfolioID")
    server.store.artifacts.remove_version(portfolio.id, artifact.id)
    return {"__typename": "UnlinkArtifactPayload", "success": True}


def _change_aliases(server: Server, args: Args, add: bool) -> Node:
    given = args.input()
    artifact = artifact_by_id(server, given.text("artifactID"))
    change = server.store.artifacts.set_aliases if add else server.store.artifacts.drop_aliases
    for alias in given.members("aliases"):
        collection = _named_collection(server, alias)
        change(collection.id, artifact.id, [alias.text("alias")])
    return {"__typename": "AliasesPayload", "success": True}


def _named_collection(server: Server, given: Args) -> Collection:
    project = server.project_at(given.optional("entityName"), given.optional("projectName"))
    name = given.text("artifactCollectionName")
    found = server.store.collections.find(project.id, name) if project else None
    if found is None:
        raise NotFoundError(f"no artifact collection {name}")
    return found


def _collection_of(server: Server, given: Args, key: str) -> Collection:
    return collection_by_key(server, decode_id("ArtifactCollection", given.text(key)))


def _change_collection_tags(server: Server, args: Args, add: bool) -> Node:
    given = args.input()
    collection, names = _named_collection(server, given), tag_names(given, "tags")
    server.store.collections.change_tags(collection.id, names if add else [], [] if add else names)
    tags = [tag_node(row) for row in server.store.collections.tags(collection.id)]
    return {"__typename": "CollectionTagsPayload", "tags": tags, "success": True}


def _update_collection(server: Server, args: Args, key: str) -> Node:
    given = args.input()
    collection = _collection_of(server, given, key)
    wanted = {
        "name": given.optional("name"),
        "description": given.optional("description"),
        "type": given.optional("destinationArtifactTypeName"),
    }
    values = {name: value for name, value in wanted.items() if value is not None}
    if values.get("name", collection.name) != collection.name:
        check_collection_name(values["name"])
    server.store.collections.update(collection.id, **values)
    return _collection_payload(server, collection_by_key(server, collection.id))


def _delete_collection(server: Server, args: Args, key: str) -> Node:
    collection = _collection_of(server, args.input(), key)
    payload = _collection_payload(server, collection) | {
        "artifactCollection": {"__typename": collection.kind, "state": "DELETED"}
    }
    server.store.collections.delete(collection.id)
    return payload


def _collection_payload(server: Server, collection: Collection) -> Node:
    return {
        "__typename": "ArtifactCollectionPayload",
        "artifactCollection": node(collection, server),
    }


MUTATIONS: Resolvers = {
    "unlinkArtifact": _unlink,
    "addAliases": lambda server, args: _change_aliases(server, args, add=True),
    "deleteAliases": lambda server, args: _change_aliases(server, args, add=False),
    "createArtifactCollectionTagAssignments": lambda server, args: _change_collection_tags(
        server, args, add=True
    ),
    "deleteArtifactCollectionTagAssignments": lambda server, args: _change_collection_tags(
        server, args, add=False
    ),
    "updateArtifactSequence": lambda s, a: _update_collection(s, a, "artifactSequenceID"),
    "updateArtifactPortfolio": lambda s, a: _update_collection(s, a, "artifactPortfolioID"),
    "moveArtifactSequence": lambda s, a: _update_collection(s, a, "artifactSequenceID"),
    "deleteArtifactSequence": lambda s, a: _delete_collection(s, a, "artifactSequenceID"),
    "deleteArtifactPortfolio": lambda s, a: _delete_collection(s, a, "artifactPortfolioID"),
}
