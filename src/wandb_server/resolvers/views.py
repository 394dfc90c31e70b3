"""Saved views: reports and workspaces."""

from src.wandb_server.resolvers.types import Resolvers

QUERIES: Resolvers = {}
MUTATIONS: Resolvers = {}
