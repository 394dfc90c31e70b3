"""The shape of a resolver."""

from collections.abc import Callable
from typing import Any

from src.wandb_server.api.arguments import Args
from src.wandb_server.context import Server

Resolvers = dict[str, Callable[[Server, Args], Any]]
