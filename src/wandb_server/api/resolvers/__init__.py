"""The root nodes of queries and mutations, put together from one module a subject."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from graphql.language import OperationType

from src.wandb_server.api.resolvers import (
    artifact_changes,
    artifacts,
    collection_changes,
    collections,
    projects,
    run_changes,
    sweeps,
    viewer,
    views,
)
from src.wandb_server.api.resolvers.types import Resolvers
from src.wandb_server.context import Server

_QUERIES: Resolvers = (
    viewer.QUERIES | projects.QUERIES | artifacts.QUERIES | collections.QUERIES | views.QUERIES
)
_MUTATIONS: Resolvers = (
    projects.MUTATIONS
    | run_changes.MUTATIONS
    | sweeps.MUTATIONS
    | artifact_changes.MUTATIONS
    | collection_changes.MUTATIONS
    | views.MUTATIONS
)


def roots(server: Server) -> Mapping[OperationType, Mapping[str, Any]]:
    """The root nodes for one request."""
    return {
        OperationType.QUERY: _root("Query", _QUERIES, server),
        OperationType.MUTATION: _root("Mutation", _MUTATIONS, server),
    }


def _root(name: str, fields: Resolvers, server: Server) -> dict[str, Any]:
    return {"__typename": name} | {key: partial(field, server) for key, field in fields.items()}
